"""What a dataset is: its provenance, its reader, and what the reader found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from respllm.errors import DataError
from respllm.types import Record


@dataclass(frozen=True, slots=True)
class DatasetContents:
    """What a dataset's folder holds.

    Attributes:
        records: the recordings whose audio file is there, in order of their ids. The audio may
            still be empty, silent or undecodable.
        missing: ids of recordings that the dataset's tables list and the folder lacks.
        notes: what else a reader must know, with counts; nothing is dropped unmentioned.
    """

    records: tuple[Record, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """One published dataset and how to read its official folder layout.

    Attributes:
        name: registry name, also the name of its folder under the data root.
        title: as published.
        licence: terms of use.
        citation: whom to cite.
        url: where it is published.
        layout: what the folder must hold.
        reader: reads the folder.
        agreement_only: whether it is only given out under a signed agreement.
        subjects_known: whether the publisher tells which recordings share a person.
    """

    name: str
    title: str
    licence: str
    citation: str
    url: str
    layout: str
    reader: Callable[[Path], DatasetContents]
    agreement_only: bool = False
    subjects_known: bool = True


def require_folder(root: Path, dataset: Dataset) -> None:
    """Check that a dataset's folder is there.

    Raises:
        DataError: it is not; the error says what belongs there and where to get it.
    """
    if not root.is_dir():
        terms = ", under a data transfer agreement" if dataset.agreement_only else ""
        raise DataError(
            f"The folder of {dataset.title} is missing",
            where=str(root),
            expected=dataset.layout,
            next_step=f"get it from {dataset.url}{terms}, or name another data root",
        )


def gather(
    records: Iterable[Record], missing: Iterable[str] = (), notes: Iterable[str] = ()
) -> DatasetContents:
    """Put records in order.

    Raises:
        DataError: two records with one id.
    """
    found: dict[str, Record] = {}
    for record in records:
        other = found.setdefault(record.record_id, record)
        if other is not record:
            raise DataError(
                f"Two recordings have the id {record.record_id!r}",
                where=f"{other.audio_path} and {record.audio_path}",
                expected="one recording for each id",
                next_step="remove the one that is wrong",
            )
    return DatasetContents(
        records=tuple(found[record_id] for record_id in sorted(found)),
        missing=tuple(sorted(missing)),
        notes=tuple(notes),
    )

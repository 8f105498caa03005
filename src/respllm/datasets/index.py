"""The published index tables that travel with the package: file names, labels and splits only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from respllm.datasets.codes import read_split
from respllm.datasets.delimited import read_table_with_header
from respllm.errors import DataError, unknown_name
from respllm.types import Split

INDEXES: Mapping[str, tuple[str, ...]] = {
    "icbhi": ("official",),
    "kauh": ("opera", "opera_train_test"),
    "uk_covid19_cough": ("opera",),
    "uk_covid19_exhalation": ("opera",),
}
"""Name of an index to the splits it publishes, the one of its benchmark first."""


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One recording of a published index.

    Attributes:
        name: file name without its extension, as in the release.
        label: as published: a diagnosis for ICBHI and KAUH ("COPD", "healthy"), "1" (positive)
            or "0" for UK COVID-19.
        splits: name of a published split -> the part.
    """

    name: str
    label: str
    splits: Mapping[str, Split]

    @property
    def split(self) -> Split:
        """The part in the split that the index's benchmark uses."""
        return next(iter(self.splits.values()))


@cache
def published_index(name: str) -> tuple[IndexRow, ...]:
    """The rows of a published index, in their published order. Sources: `tables/README.md`.

    Raises:
        DataError: no index has that name.
    """
    if name not in INDEXES:
        raise DataError(unknown_name("index", name, INDEXES))
    path = Path(__file__).parent / "tables" / f"{name}.csv"
    return tuple(
        IndexRow(
            name=row["name"],
            label=row["label"],
            splits={split: read_split(row[split], row.where(split)) for split in INDEXES[name]},
        )
        for row in read_table_with_header(path, ["name", "label", *INDEXES[name]])
    )

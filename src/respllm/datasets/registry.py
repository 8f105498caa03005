"""The datasets that respllm can read, by name. A new one is a module and a line here."""

from __future__ import annotations

from pathlib import Path

from respllm.datasets import coswara, covid19_sounds, icbhi, kauh, uk_covid19
from respllm.datasets.dataset import Dataset, DatasetContents
from respllm.errors import DataError, unknown_name
from respllm.types import Record

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        icbhi.DATASET,
        kauh.DATASET,
        coswara.DATASET,
        uk_covid19.DATASET,
        covid19_sounds.DATASET,
    )
}


def load_contents(name: str, data_root: Path) -> DatasetContents:
    """Read the dataset `name` from its folder `data_root/name`, in the official layout.

    Raises:
        DataError: an unknown name, a missing folder, or contents that do not look as published.
    """
    if name not in DATASETS:
        raise DataError(unknown_name("dataset", name, DATASETS))
    return DATASETS[name].reader(Path(data_root) / name)


def load_records(name: str, data_root: Path) -> list[Record]:
    """The recordings of `load_contents` alone."""
    return list(load_contents(name, data_root).records)

"""The published indexes give Table 1's counts without any data."""

from __future__ import annotations

from collections import Counter

import pytest

from respllm.datasets import published_index
from respllm.datasets.index import INDEXES
from respllm.errors import DataError


@pytest.mark.parametrize(
    ("name", "words", "counts"),
    [
        (
            "uk_covid19_exhalation",
            ("0", "1"),
            {"train": (652, 348), "validation": (327, 173), "test": (681, 319)},
        ),
        (
            "uk_covid19_cough",
            ("0", "1"),
            {"train": (634, 366), "validation": (296, 204), "test": (686, 314)},
        ),
        ("icbhi", ("Healthy", "COPD"), {"train": (18, 444), "test": (17, 349)}),
        (
            "kauh",
            ("healthy", "COPD"),
            {"train": (75, 22), "validation": (7, 4), "test": (23, 4)},
        ),
        (
            "kauh",
            ("healthy", "asthma"),
            {"train": (75, 65), "validation": (7, 13), "test": (23, 21)},
        ),
    ],
)
def test_counts_of_table_1(
    name: str, words: tuple[str, str], counts: dict[str, tuple[int, int]]
) -> None:
    found = Counter((row.split, row.label) for row in published_index(name))
    splits = {split for split, label in found if label in words}
    assert {split: tuple(found[split, word] for word in words) for split in splits} == counts


@pytest.mark.parametrize("name", sorted(INDEXES))
def test_every_file_is_listed_once(name: str) -> None:
    names = [row.name for row in published_index(name)]
    assert len(set(names)) == len(names)
    assert not any("/" in name or name.endswith(".wav") for name in names)


def test_kauhs_second_split_is_disjoint_by_patient_and_its_first_is_not() -> None:
    def patients(split: str, part: str) -> set[str]:
        rows = [row for row in published_index("kauh") if row.splits[split] == part]
        return {row.name.split("_")[0][2:] for row in rows}

    assert not patients("opera_train_test", "train") & patients("opera_train_test", "test")
    assert patients("opera", "train") & patients("opera", "test")


def test_an_unknown_index_gets_a_near_miss() -> None:
    with pytest.raises(DataError, match="Did you mean 'kauh'"):
        published_index("kauhh")

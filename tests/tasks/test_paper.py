"""The published data choices: Table 1 from the indexes, and Coswara's four groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from respllm.audio import AudioIndex
from respllm.evaluation import paper_counts
from respllm.tasks import get_task
from respllm.tasks.candidate import Candidate
from respllm.tasks.paper import choose, index_counts
from respllm.types import Split
from tests.tasks.making import a_record, coswara_folder, counts, notes_of

INDEXED = {
    "S1": {"train": (652, 348), "validation": (327, 173), "test": (681, 319)},
    "S2": {"train": (634, 366), "validation": (296, 204), "test": (686, 314)},
    "S7": {"train": (18, 444), "test": (17, 349)},
    "T5": {"test": (30, 8)},
    "T6": {"test": (58, 58)},
}


@pytest.mark.parametrize("task_id", INDEXED)
def test_the_indexes_give_the_counts_of_table_1(task_id: str) -> None:
    found = index_counts(task_id)
    assert found == INDEXED[task_id]
    assert found is not None
    printed = paper_counts(task_id)
    assert printed is not None
    assert sum(found["test"]) == printed.test
    learned = sum(sum(found[split]) for split in ("train", "validation") if split in found)
    assert learned == (printed.train or 0)


@pytest.mark.parametrize("task_id", ["S3", "S6", "T1", "T4", "mine"])
def test_no_index_is_published(task_id: str) -> None:
    assert index_counts(task_id) is None


@pytest.mark.parametrize("task_id", ["S5", "S6"])
def test_smoking_is_balanced_where_it_is_learned(task_id: str) -> None:
    shape: dict[Split, tuple[int, int]] = {"train": (9, 5), "validation": (2, 4), "test": (7, 3)}
    candidates = [
        Candidate(
            replace(
                a_record(f"{split}{label}{i}", subject=f"{split}{label}{i}"),
                splits={"task1": split},
            ),
            label,
        )
        for split, sizes in shape.items()
        for label, size in enumerate(sizes)
        for i in range(size)
    ]
    parts, excluded, _ = choose(get_task(task_id), candidates, AudioIndex())
    found = {split: [label for _, label in part] for split, part in parts.items()}
    assert {split: (found[split].count(0), found[split].count(1)) for split in shape} == {
        "train": (5, 5),
        "validation": (2, 2),
        "test": (7, 3),
    }
    assert len(excluded) == 6
    assert choose(get_task(task_id), candidates[::-1], AudioIndex())[0] == parts


GROUPS = {
    ("healthy", False): 40,
    ("healthy", True): 30,
    ("positive_asymp", False): 28,
    ("positive_mild", True): 20,
    ("positive_moderate", True): 15,
    ("recovered_full", True): 30,
    ("under_validation", False): 30,
}


@pytest.mark.parametrize(("task_id", "size"), [("T2", 25), ("T4", 10)])
def test_coswara_has_four_groups_of_one_size(tmp_path: Path, task_id: str, size: int) -> None:
    coswara_folder(tmp_path / "coswara", GROUPS)
    selection = get_task(task_id).select(tmp_path, "paper")
    test = selection.parts["test"]
    assert counts(test) == (2 * size, 2 * size)
    assert sum("cold" in example.dms_text for example in test if example.label) == size
    assert sum("cold" in example.dms_text for example in test if not example.label) == size
    assert len(selection.subjects("test")) == 4 * size
    statuses = {e.clip.record.subject_id.split("/")[1].split("-")[0] for e in test}
    assert statuses <= {"healthy", "positive_asymp", "positive_mild", "positive_moderate"}
    assert selection.notes == ()
    assert len(selection.excluded) == 133 - 4 * size
    assert get_task(task_id).select(tmp_path, "paper") == selection


def test_too_few_people_shrink_every_group_and_are_noted(tmp_path: Path) -> None:
    coswara_folder(tmp_path / "coswara", GROUPS | {("positive_asymp", False): 7})
    selection = get_task("T2").select(tmp_path, "paper")
    assert counts(selection.parts["test"]) == (14, 14)
    assert "7 people per group instead of 25" in notes_of(selection)


def test_an_unticked_box_is_none_in_paper_and_nothing_in_clean(tmp_path: Path) -> None:
    coswara_folder(tmp_path / "coswara", GROUPS)
    task = get_task("T4")
    for example in task.examples(tmp_path, "test", "paper"):
        assert "Patient presents with no medical history conditions." in example.dms_text
        ticked = "respiratory symptoms: cold." in example.dms_text
        assert ticked != ("Patient presents with no obvious respiratory" in example.dms_text)
    clean = task.examples(tmp_path, "test", "clean")
    assert len(clean) == 133
    assert {example.dms_text for example in clean} == {
        "Gender: Female. Age: 40.",
        "Gender: Female. Age: 40. Patient presents with the following respiratory symptoms: cold.",
    }

"""Your own cohort: one table, one task file; split by subject or by a column."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from respllm.errors import DataError
from respllm.tasks import select_together
from respllm.types import SPLITS
from tests.tasks.making import (
    assert_nobody_in_two_parts,
    counts,
    notes_of,
    own_rows,
    own_table,
    task_file,
)

TABLE = "table: {table: cohort.csv, subject_column: who}"
BY_COLUMN = "table: {table: cohort.csv, subject_column: who, split_column: part}"


@pytest.mark.parametrize("protocol", ["clean", "paper"])
def test_people_are_divided_with_their_recordings(tmp_path: Path, protocol: str) -> None:
    own_table(tmp_path, own_rows(30, age=["41"] * 30))
    selection = task_file(tmp_path, "mine", TABLE).select(tmp_path / "root", protocol)  # type: ignore[arg-type]
    assert_nobody_in_two_parts(selection)
    assert [len(selection.subjects(split)) for split in SPLITS] == [18, 6, 6]
    assert [counts(selection.parts[split]) for split in SPLITS] == [(24, 12), (8, 4), (8, 4)]
    assert selection.excluded == ()
    assert {e.dms_text for part in selection.parts.values() for e in part} == {"Age: 41."}


def test_a_person_is_positive_if_any_recording_is(tmp_path: Path) -> None:
    rows = [row | {"label": "0"} if row["audio"].endswith("b.wav") else row for row in own_rows(30)]
    own_table(tmp_path, rows)
    selection = task_file(tmp_path, "mine", TABLE).select(tmp_path, "clean")
    assert [counts(selection.parts[split])[1] for split in SPLITS] == [6, 2, 2]


def test_a_target_task_is_all_test(tmp_path: Path) -> None:
    own_table(tmp_path, own_rows(6))
    selection = task_file(tmp_path, "mine", f"role: target\n{TABLE}").select(tmp_path, "clean")
    assert [len(selection.parts[split]) for split in SPLITS] == [0, 0, 12]


@pytest.mark.parametrize(
    ("named", "people"),
    [
        ("train validation test", (10, 10, 10)),
        ("train train test", (16, 4, 10)),
        ("train validation validation", (8, 20, 2)),
        ("train train train", (18, 6, 6)),
    ],
)
def test_a_split_column_is_followed_and_its_missing_parts_taken_from_training(
    tmp_path: Path, named: str, people: tuple[int, int, int]
) -> None:
    # Each part has a third of its people positive.
    part = [named.split()[person // 3 % 3] for person in range(30)]
    if people[0] == 10:
        part = [named.split()[person % 3] for person in range(30)]
    own_table(tmp_path, own_rows(30, part=part))
    selection = task_file(tmp_path, "mine", BY_COLUMN).select(tmp_path, "clean")
    assert_nobody_in_two_parts(selection)
    found = [len(selection.subjects(split)) for split in SPLITS]
    assert sum(found) == 30, "nobody is lost"
    assert found == pytest.approx(people, abs=2)
    for split in set(named.split()) - {"train"}:
        listed = {f"mine/p{i:02}" for i in range(30) if part[i] == split}
        assert selection.subjects(split) == listed  # type: ignore[arg-type]


def test_rows_without_a_part_are_counted(tmp_path: Path) -> None:
    own_table(tmp_path, own_rows(10, part=["train"] * 5 + [""] * 2 + ["test"] * 3))
    selection = task_file(tmp_path, "mine", BY_COLUMN).select(tmp_path, "clean")
    assert [e.record_id for e in selection.excluded] == [
        f"mine/{n}.wav" for n in ["5a", "5b", "6a", "6b"]
    ]
    assert "not in the published split 'part'" in selection.excluded[0].reason


def test_an_empty_split_column_is_an_error(tmp_path: Path) -> None:
    own_table(tmp_path, own_rows(4, part=[""] * 4))
    with pytest.raises(DataError, match="Unknown published split 'part'"):
        task_file(tmp_path, "mine", BY_COLUMN).select(tmp_path, "clean")


def test_long_recordings_are_heard_whole(tmp_path: Path) -> None:
    own_table(tmp_path, own_rows(1), seconds=20)
    task = task_file(tmp_path, "mine", f"role: target\n{TABLE}")
    clips = [e.clip for e in task.examples(tmp_path, "test", "clean") if "0a" in e.clip.clip_id]
    assert [(c.start, c.stop) for c in clips] == [(0, 8.18), (5.91, 14.09), (11.82, 20)]
    first = task.examples(tmp_path, "test", "paper")
    assert [(e.clip.start, e.clip.window) for e in first] == [(0, 0), (0, 0)]


def test_rows_may_be_clips_with_their_own_labels(tmp_path: Path) -> None:
    own_table(tmp_path, [{"audio": "a.wav", "who": "a"}], seconds=20)
    rows = [
        {"audio": "a.wav", "who": "a", "start": "0", "stop": "3", "label": "0"},
        {"audio": "a.wav", "who": "a", "start": "3", "stop": "60", "label": "1"},
    ]
    own_table(tmp_path, rows)
    examples = task_file(tmp_path, "mine", f"role: target\n{TABLE}").examples(
        tmp_path, "test", "clean"
    )
    stretches = [(e.clip.start, e.clip.stop, e.label) for e in examples]
    assert stretches == [(0, 3, 0), (3, 11.18, 1), (7.41, 15.59, 1), (11.82, 20, 1)]


def test_copies_with_both_labels_are_left_out_and_an_unlabelled_copy_harms_nothing(
    tmp_path: Path,
) -> None:
    rows = own_rows(12)
    own_table(tmp_path, rows)
    for name in ("x.wav", "y.wav"):
        shutil.copy(tmp_path / "0a.wav", tmp_path / name)
    shutil.copy(tmp_path / "3a.wav", tmp_path / "0.wav")
    extra = [
        {"audio": "x.wav", "who": "p00", "label": "0"},
        {"audio": "0.wav", "who": "stranger", "label": ""},
    ]
    own_table(tmp_path, rows + extra)
    selection = task_file(tmp_path, "mine", TABLE).select(tmp_path, "clean")
    reasons = {exclusion.record_id: exclusion.reason for exclusion in selection.excluded}
    assert reasons.keys() == {"mine/0a.wav", "mine/x.wav", "mine/0.wav"}
    assert "contradictory labels" in reasons["mine/0a.wav"]
    assert reasons["mine/0.wav"] == "the same audio as mine/3a.wav"
    heard = {e.clip.record.record_id for part in selection.parts.values() for e in part}
    assert "mine/3a.wav" in heard
    assert len(heard) == 23


def test_missing_files_are_named(tmp_path: Path) -> None:
    rows = own_rows(6)
    own_table(tmp_path, rows)
    (tmp_path / "2b.wav").unlink()
    selection = task_file(tmp_path, "mine", TABLE).select(tmp_path, "clean")
    assert [(e.record_id, e.reason) for e in selection.excluded] == [
        ("mine/2b.wav", "the audio file is missing")
    ]
    assert "1 recordings do not exist" in notes_of(selection)


def test_without_subjects_copies_are_one_and_the_reader_is_told(tmp_path: Path) -> None:
    own_table(tmp_path, own_rows(10))
    selection = task_file(tmp_path, "mine", "table: {table: cohort.csv}").select(tmp_path, "clean")
    assert not selection.subjects_known
    assert "Subjects are unknown" in notes_of(selection)


def test_the_table_may_lie_in_the_data_root(tmp_path: Path) -> None:
    own_table(tmp_path / "root", own_rows(6))
    task = task_file(tmp_path / "tasks", "mine", TABLE)
    assert task.select(tmp_path / "root", "clean").subjects("train")
    with pytest.raises(DataError):
        task.select(tmp_path, "clean")


def test_two_tasks_about_one_table_share_its_people(tmp_path: Path) -> None:
    rows = own_rows(60, copd=[str(int(person % 4 == 0)) for person in range(60)])
    own_table(tmp_path, rows)
    asthma = task_file(tmp_path, "asthma", TABLE)
    copd = task_file(tmp_path, "copd", TABLE.replace("who}", "who, label_column: copd}"))
    selections = select_together([asthma, copd], [], tmp_path, "clean")
    people = {
        (task_id, split): {name.split("/")[1] for name in selection.subjects(split)}
        for task_id, selection in selections.items()
        for split in SPLITS
    }
    for split in ("train", "validation"):
        for other in SPLITS:
            if other != split:
                assert not people["asthma", split] & people["copd", other]
                assert not people["copd", split] & people["asthma", other]
    assert "another task has them" in notes_of(selections["asthma"])

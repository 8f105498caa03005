"""Who was removed is in no part of any task, under any protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from respllm.datasets import DATASETS, load_records
from respllm.errors import DataError
from respllm.tasks import Task, builtin_tasks, select_together
from respllm.tasks.candidate import Candidate
from respllm.tasks.removed import REMOVED, Removal, Removed, name_hash
from respllm.types import PROTOCOLS, SPLITS, ProtocolName
from tests.tasks.making import notes_of, own_rows, own_table, task_file

TABLE = "table: {table: cohort.csv, subject_column: who}"


def remove(root: Path, *names: str, recordings: tuple[str, ...] = ()) -> None:
    people = tuple(map(name_hash, names))
    Removed((Removal(people=people, recordings=recordings, listed="now"),)).write(root)


@pytest.fixture(scope="module")
def linked_cohort(
    small_cohort: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, frozenset[str]]:
    """The simulated cohort with every fifth person of every dataset removed, and their ids."""
    root = tmp_path_factory.mktemp("removed") / "data"
    root.mkdir()
    gone: set[str] = set()
    for path in small_cohort.iterdir():
        (root / path.name).symlink_to(path)
    for name in DATASETS:
        people = sorted({record.subject_id for record in load_records(name, root)})
        gone.update(people[::5])
    remove(root, *gone)
    return root, frozenset(gone)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("task_id", sorted(builtin_tasks()))
def test_no_protocol_sees_them_in_any_task(
    task_id: str,
    protocol: ProtocolName,
    small_cohort: Path,
    linked_cohort: tuple[Path, frozenset[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The simulated cohort is too small for some published choices: what they are given counts."""
    given: list[set[str]] = []

    def choose(task: Task, candidates: list[Candidate], index: object) -> tuple:
        given.append({candidate.record.subject_id for candidate in candidates})
        return dict.fromkeys(SPLITS, ()), [], ()

    root, gone = linked_cohort
    monkeypatch.setattr(f"respllm.tasks.{protocol}.choose", choose)
    task = builtin_tasks()[task_id]
    task.select(small_cohort, protocol)
    selection = task.select(root, protocol)
    before, after = given
    assert before & gone
    assert after == before - gone
    assert f"of {len(before & gone)} people left out: they were removed" in notes_of(selection)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_is_as_if_they_had_never_been_there(tmp_path: Path, protocol: ProtocolName) -> None:
    with_them, without = tmp_path / "with", tmp_path / "without"
    rows = own_rows(30)
    own_table(with_them, rows)
    own_table(without, rows)
    own_table(without, [row for row in rows if row["who"] not in ("p03", "p10")])
    remove(with_them, "mine/p03", "mine/p10")
    selection = task_file(with_them, "mine", TABLE).select(with_them, protocol)
    expected = task_file(without, "mine", TABLE).select(without, protocol)
    for split in SPLITS:
        assert [e.clip.clip_id for e in selection.parts[split]] == [
            e.clip.clip_id for e in expected.parts[split]
        ]
    assert "4 recordings of 2 people left out" in notes_of(selection)
    assert {e.record_id for e in selection.excluded} == {
        f"mine/{name}.wav" for name in ("3a", "3b", "10a", "10b")
    }


def test_also_in_another_task_of_the_same_table(tmp_path: Path) -> None:
    """By the name that a person has in all of a table's tasks, whichever it was removed by."""
    from respllm.tasks.selection import person_naming

    own_table(tmp_path, own_rows(30))
    tasks = [task_file(tmp_path, name, TABLE) for name in ("mine", "second")]
    remove(tmp_path, person_naming(tasks[0], tmp_path)("mine/p03"))
    for selection in select_together(tasks, [], tmp_path, "clean").values():
        assert "2 recordings of 1 people left out" in notes_of(selection)


def test_also_under_a_new_name_by_the_very_recording(tmp_path: Path) -> None:
    import hashlib

    own_table(tmp_path, own_rows(30))
    content = (tmp_path / "3a.wav").read_bytes()
    remove(tmp_path, "mine/nobody", recordings=(hashlib.sha256(content).hexdigest(),))
    selection = task_file(tmp_path, "mine", TABLE).select(tmp_path, "clean")
    assert [e.record_id for e in selection.excluded] == ["mine/3a.wav"]


def test_without_a_list_nobody_is_left_out(tmp_path: Path) -> None:
    own_table(tmp_path, own_rows(30))
    assert task_file(tmp_path, "mine", TABLE).select(tmp_path, "clean").notes == ()


@pytest.mark.parametrize("damage", ["cut", "newer", "text", "folder", "unknown key"])
def test_a_list_that_cannot_be_read_stops_every_selection(tmp_path: Path, damage: str) -> None:
    own_table(tmp_path, own_rows(30))
    task = task_file(tmp_path, "mine", TABLE)
    remove(tmp_path, "mine/p03")
    path = tmp_path / REMOVED
    text = path.read_text()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_text(
            {
                "cut": text[:-20],
                "newer": text.replace('"format":1', '"format":2'),
                "text": "p03\n",
                "unknown key": text.replace('"format":1', '"format":1,"spare":["p04"]'),
            }[damage]
        )
    with pytest.raises(DataError, match=r"Who was removed cannot be read.*restore the file"):
        task.select(tmp_path, "clean")

"""A removed person is gone from cache and results, and every other byte stays as it was."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from respllm.audio.index import FILE_NAME
from respllm.encoders import encode_clips, load_encoder
from respllm.errors import DataError, RespllmError
from respllm.inference.prediction_file import write_predictions, write_predictions_json
from respllm.removal import forget
from respllm.tasks.removed import REMOVED, Removed
from tests.removal.conftest import Place, files_of, prediction
from tests.tasks.making import own_rows, own_table, task_file

WHO = "mine/p03"


def index_rows(cache: Path) -> set[tuple]:
    database = sqlite3.connect(cache / FILE_NAME)
    try:
        return set(database.execute("SELECT * FROM facts"))
    finally:
        database.close()


def test_tokens_and_facts_of_the_person_alone_go(place: Place) -> None:
    before, rows = files_of(place.cache), index_rows(place.cache)
    done = place.forget(WHO)
    assert (done.recordings, done.tokens, done.facts) == (2, 2, 2)
    after = files_of(place.cache)
    assert len(before) - len(after) == 2
    assert all(before[name] == content for name, content in after.items() if name != FILE_NAME)
    gone = rows - index_rows(place.cache)
    assert {Path(os.fsdecode(row[0])).name for row in gone} == {"3a.wav", "3b.wav"}
    assert index_rows(place.cache) < rows
    # Not only marked as free: neither file name nor hash can be read from the file.
    for row in gone:
        assert row[0] not in after[FILE_NAME]
        assert row[3].encode() not in after[FILE_NAME]


def test_what_is_left_is_used_and_the_person_is_not_heard_again(place: Place) -> None:
    place.forget(WHO)
    selection = place.task.select(place.root, "clean")
    examples = [e for part in selection.parts.values() for e in part]
    before = files_of(place.cache)
    encode_clips([e.clip for e in examples], load_encoder("mel-patch"), cache_dir=place.cache)
    assert files_of(place.cache) == before


def test_tables_of_results_are_those_written_without_the_person(place: Place) -> None:
    os.chmod(place.csv, 0o640)
    done = place.forget(WHO)
    others = [e for e in place.examples if e.clip.record.subject_id != WHO]
    expected = place.root.parent / "expected"
    write_predictions(expected, map(prediction, others))
    assert place.csv.read_bytes() == expected.read_bytes()
    assert place.csv.stat().st_mode & 0o777 == 0o640
    refused = json.loads(place.json.read_text())["refused"]
    assert len(refused) == len(others)
    write_predictions_json(expected, map(prediction, others), [])
    assert place.json.read_bytes().startswith(expected.read_bytes().partition(b'"refused"')[0])
    scores = place.run / "results" / "clean" / "clips.csv"
    with scores.open() as file:
        people = [row["subject"] for row in csv.DictReader(file)]
    assert people == [e.clip.record.subject_id for e in others]
    assert len(json.loads((place.run / "skipped.json").read_text())) == len(others)
    assert set(done.rows) == {place.csv, place.json, scores, place.run / "skipped.json"}
    assert sum(done.rows.values()) == 2 + 4 + 2 + 2
    assert done.naming == ()


def test_nothing_else_changes(place: Place) -> None:
    before = files_of(place.root.parent)
    done = place.forget(WHO)
    after = files_of(place.root.parent)
    changed = {name for name in before if after.get(name) != before[name]}
    tables = {str(path.relative_to(place.root.parent)) for path in done.rows}
    tokens = {name for name in changed if name.endswith(".safetensors")}
    assert changed == tables | tokens | {f"cache/{FILE_NAME}"}
    assert set(after) - set(before) == {f"data/{REMOVED}"}


def test_a_second_call_changes_nothing(place: Place) -> None:
    assert not place.forget(WHO).listed
    before = files_of(place.root.parent)
    again = place.forget(WHO)
    assert again.listed
    assert (again.tokens, again.facts, again.rows) == (0, 0, {})
    assert files_of(place.root.parent) == before


def test_the_record_says_what_was_done_without_naming_anybody(place: Place) -> None:
    place.forget(WHO, reason="consent withdrawn")
    text = (place.root / REMOVED).read_text()
    assert "p03" not in text
    (removal,) = Removed.read(place.root).removals
    assert (removal.reason, removal.tokens, removal.facts) == ("consent withdrawn", 2, 2)
    assert removal.rows == 10
    assert removal.finished is not None
    place.forget("mine/p04")
    assert Removed.read(place.root).removals[0] == removal
    assert len(Removed.read(place.root).removals) == 2


@pytest.mark.parametrize("who", ["mine/p99", "p03", ""])
def test_an_unknown_id_changes_nothing(place: Place, who: str) -> None:
    before = files_of(place.root.parent)
    with pytest.raises(DataError, match="Nobody is called") as error:
        place.forget(who)
    if who == "p03":
        assert "Did you mean 'mine/p03'?" in str(error.value)
    assert files_of(place.root.parent) == before


def test_a_file_that_is_no_table_is_refused_before_anything_is_done(place: Place) -> None:
    before = files_of(place.root.parent)
    for path in (place.root / "mine.yaml", place.root / "0a.wav", place.root / "none.csv"):
        with pytest.raises(DataError):
            place.forget(WHO, files=[path])
    assert files_of(place.root.parent) == before


def test_a_sound_that_another_person_has_too_stays_and_is_named(place: Place) -> None:
    shutil.copy(place.root / "3a.wav", place.root / "5a.wav")
    place.forget("mine/p11", files=[])  # somebody else's removal does not matter
    tokens = len(list(place.cache.rglob("*.safetensors")))
    done = place.forget(WHO)
    assert done.shared == ("mine/3a.wav",)
    assert tokens - len(list(place.cache.rglob("*.safetensors"))) == done.tokens == 1
    names = {Path(os.fsdecode(row[0])).name for row in index_rows(place.cache)}
    assert not names & {"3a.wav", "3b.wav"}
    # The other person is still learned from: the shared sound is no mark of the removed one.
    kept = place.task.select(place.root, "clean")
    assert "mine/p05" in frozenset().union(*(kept.subjects(split) for split in kept.parts))


def test_runs_that_learned_from_the_person_are_named(place: Place) -> None:
    parts = place.task.select(place.root, "clean").parts
    trained, tested = (next(iter(parts[s])).clip.record.subject_id for s in ("train", "test"))
    assert place.forget(tested).learned == ()
    assert place.forget(trained).learned == (place.run,)


def test_files_that_still_name_the_person_are_told(place: Place) -> None:
    report = place.run / "report.html"
    report.write_text("<p>mine/3a.wav was hard</p>")
    (place.run / "other.md").write_text("mine/p031 and xmine/p03 are others")
    assert place.forget(WHO).naming == (report,)


def test_the_list_alone_is_enough_after_the_recordings_are_gone(place: Place) -> None:
    """Deleted first, removed later: results still name the person."""
    for take in "ab":
        (place.root / f"3{take}.wav").unlink()
    assert place.forget(WHO).rows
    assert len(Removed.read(place.root).removals) == 1


def test_damaged_entries_go_too_because_nobody_knows_whose_they_are(place: Place) -> None:
    path = next(place.cache.rglob("*.safetensors"))
    path.write_bytes(b"\xff" * 40)
    place.forget(WHO)
    assert not path.exists()


class KilledError(BaseException):
    """The process ends here."""


def test_killed_at_any_write_it_is_done_to_the_end_by_a_second_call(
    make: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("respllm.removal.forgetting._now", lambda: "now")
    place = make("place")
    home, kept = place.root.parent, place.root.parent.with_name("kept")
    shutil.copytree(home, kept)
    place.forget(WHO)
    expected = {n: c for n, c in files_of(home).items() if FILE_NAME not in n}
    replace, unlink = os.replace, Path.unlink
    kills = 0
    while True:
        shutil.rmtree(home)
        shutil.copytree(kept, home)
        left = kills

        def step() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError

        def stopping_replace(*paths: object) -> None:
            step()
            replace(*paths)  # type: ignore[arg-type]

        def stopping_unlink(path: Path, missing_ok: bool = False) -> None:
            if path.suffix == ".safetensors":
                step()
            unlink(path, missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", stopping_replace)
            patch.setattr(Path, "unlink", stopping_unlink)
            try:
                place.forget(WHO)
                break
            except KilledError:
                pass
        if (place.root / REMOVED).exists():  # from the first write on, nobody learns from them
            selection = place.task.select(place.root, "paper")
            assert all(WHO not in selection.subjects(split) for split in selection.parts)
        place.forget(WHO)
        found = files_of(home)
        assert set(found) - {f"cache/{FILE_NAME}"} == set(expected)
        for name, content in expected.items():
            if not name.endswith(REMOVED):  # its counts are of what was left to do
                assert found[name] == content, name
        kills += 1
    assert kills >= 7  # the list twice, two entries, four tables


def test_a_folder_that_cannot_be_written_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(RespllmError, match="make the folder writable"):
            place.forget(WHO)
    (removal,) = Removed.read(place.root).removals
    assert removal.finished is None
    assert place.forget(WHO).tokens == 2
    assert Removed.read(place.root).removals[0].finished is not None


def test_unknown_subjects_are_removed_by_their_recording(tmp_path: Path) -> None:
    own_table(tmp_path, own_rows(12))
    task = task_file(tmp_path, "mine", "table: {table: cohort.csv}")
    examples = task.select(tmp_path, "clean").parts["train"]
    encode_clips([e.clip for e in examples], load_encoder("mel-patch"), cache_dir=tmp_path / "c")
    done = forget(
        examples[0].clip.record.subject_id, tmp_path, tasks=[task], cache_dir=tmp_path / "c"
    )
    assert (done.recordings, done.tokens) == (1, 1)


def test_drafts_of_killed_processes_are_cleaned_too(place: Place) -> None:
    scores = place.run / "results" / "clean" / "clips.csv"
    draft = scores.with_name("clips.csv.new")
    shutil.copy(scores, draft)
    alone = place.run / "results" / "paper" / "predictions.csv.new"
    alone.parent.mkdir()
    shutil.copy(place.csv, alone)
    place.forget(WHO)
    left = [path for path in (scores, draft, alone) if path.exists()]
    assert alone in left
    assert not any(WHO.encode() in path.read_bytes() for path in left)

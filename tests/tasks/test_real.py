"""The choices on the real recordings, where they are at hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from respllm.audio import count_windows, load_audio
from respllm.tasks import get_task, select_together
from tests.tasks.making import assert_nobody_in_two_parts, counts, notes_of

CONTRADICTORY = {f"kauh/{name}" for name in ["BP100", "BP101", "DP100", "DP101", "EP76", "EP77"]}


@pytest.mark.parametrize(("task_id", "expected"), [("T5", (30, 8)), ("T6", (58, 58))])
def test_table_1_on_kauh(shared_data: Path, task_id: str, expected: tuple[int, int]) -> None:
    test = get_task(task_id).examples(shared_data, "test", "paper")
    assert counts(test) == expected
    assert len({example.clip.clip_id for example in test}) == len(test)
    assert {example.clip.window for example in test} == {0}
    assert not any("Age:" in example.dms_text for example in test)
    assert all("Record location: " in example.dms_text for example in test)


@pytest.mark.parametrize("task_id", ["T5", "T6"])
def test_clean_leaves_contradictory_copies_out(shared_data: Path, task_id: str) -> None:
    selection = get_task(task_id).select(shared_data, "clean")
    assert {exclusion.record_id for exclusion in selection.excluded} == CONTRADICTORY
    assert all("contradictory" in exclusion.reason for exclusion in selection.excluded)
    test = selection.parts["test"]
    heard = {example.clip.record.record_id for example in test}
    assert not heard & CONTRADICTORY
    assert sum("Age:" in example.dms_text for example in test) > 0.9 * len(test)


def test_identical_filters_of_one_patient_stay(shared_data: Path) -> None:
    """DP9 repeats BP9: one person and so one score, whatever copies there are."""
    test = get_task("T6").select(shared_data, "clean").parts["test"]
    people: dict[str, set[str]] = defaultdict(set)
    for example in test:
        people[example.clip.record.subject_id].add(example.clip.record.record_id)
    assert people["kauh/9"] == {"kauh/BP9", "kauh/DP9", "kauh/EP9"}
    assert max(len(recordings) for recordings in people.values()) == 3


def test_clean_keeps_patient_218_in_the_test_part(shared_data: Path) -> None:
    selection = get_task("S7").select(shared_data, "clean")
    assert_nobody_in_two_parts(selection)
    assert "icbhi/218" in selection.subjects("test")
    assert "kept in test only: icbhi/218" in notes_of(selection)
    test = {example.clip.record.record_id: example.label for example in selection.parts["test"]}
    assert Counter(test.values()) == {1: 75, 0: 17}
    learned = {e.clip.record.record_id for s in ("train", "validation") for e in selection.parts[s]}
    assert len(learned) < 18 + 49
    assert not any(name.startswith("icbhi/218_") for name in learned)


def test_paper_repeats_the_faults_of_s7_and_names_them(shared_data: Path) -> None:
    selection = get_task("S7").select(shared_data, "paper")
    assert counts(selection.parts["test"]) == (17, 75)
    negative, positive = counts(selection.parts["train"])
    assert negative == positive
    learned = [e.clip for s in ("train", "validation") for e in selection.parts[s]]
    windows = {clip.clip_id for clip in learned}
    recordings = {clip.record.record_id: clip.record.audio_path for clip in learned}
    assert len(recordings) == 18 + 49
    assert len(windows) == sum(count_windows(load_audio(p)) for p in recordings.values())
    assert selection.subjects("train") & selection.subjects("validation")
    assert "icbhi/218" in selection.subjects("train") & selection.subjects("test")
    assert "in the train and the test part: icbhi/218" in notes_of(selection)


def test_one_model_for_both_lung_sets(shared_data: Path) -> None:
    selections = select_together(
        [get_task("S7")], [get_task("T5"), get_task("T6")], shared_data, "clean"
    )
    for target in ("T5", "T6"):
        assert not selections[target].parts["train"]
        assert not selections["S7"].subjects("train") & selections[target].subjects("test")

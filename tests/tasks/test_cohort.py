"""Both protocols on a cohort of all five datasets, read through the adapters."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from respllm.audio import count_windows, load_audio
from respllm.errors import DataError
from respllm.prompts import task_prompt
from respllm.tasks import Selection, builtin_tasks, get_task, select_together
from respllm.types import SPLITS, Split
from tests.tasks.making import assert_nobody_in_two_parts, counts, notes_of, task_file

DISEASED = "dataset: {name: icbhi, sound_type: lung, label: diseased}"


@pytest.mark.parametrize("task_id", builtin_tasks())
def test_clean_keeps_everybody_in_one_part(small_cohort: Path, task_id: str) -> None:
    task = get_task(task_id)
    selection = task.select(small_cohort, "clean")
    assert_nobody_in_two_parts(selection)
    wanted = SPLITS if task.role == "source" else ("test",)
    for split in SPLITS:
        part = selection.parts[split]
        assert min(counts(part)) > 0 if split in wanted else not part
        assert task.examples(small_cohort, split, "clean") == list(part)
    assert selection.subjects_known
    for example in (example for part in selection.parts.values() for example in part):
        assert example.task_id == task_id
        assert example.prompt_text == task_prompt(task)
        record = example.clip.record
        assert (record.dataset, record.sound_type) == (task.dataset_name, task.sound_type)
        assert task.dataset is not None
        assert example.label == record.labels[task.dataset.label]


def test_clean_follows_the_published_split(small_cohort: Path) -> None:
    selection = get_task("S3").select(small_cohort, "clean")
    for split in SPLITS:
        assert {e.clip.record.splits["task2"] for e in selection.parts[split]} == {split}


def test_clean_sets_validation_aside_where_none_is_published(small_cohort: Path) -> None:
    selection = get_task("S7").select(small_cohort, "clean")
    assert {e.clip.record.splits["official"] for e in selection.parts["validation"]} == {"train"}
    learned = len(selection.subjects("train")) + len(selection.subjects("validation"))
    assert len(selection.subjects("validation")) == pytest.approx(learned / 5, abs=1.5)


def test_replicates_share_their_patient(small_cohort: Path) -> None:
    test = get_task("T6").select(small_cohort, "clean").parts["test"]
    per_patient: dict[str, set[str]] = defaultdict(set)
    for example in test:
        per_patient[example.clip.record.subject_id].add(example.clip.record.record_id)
    assert {len(recordings) for recordings in per_patient.values()} == {3}


def test_the_same_order_and_people_every_time(small_cohort: Path) -> None:
    for protocol in ("clean", "paper"):
        first = get_task("S7").select(small_cohort, protocol)
        again = get_task("S7").select(str(small_cohort), protocol)
        assert first == again


def test_clean_shows_what_is_stated_and_paper_what_was_published(small_cohort: Path) -> None:
    for example in get_task("T6").select(small_cohort, "clean").parts["test"]:
        assert f"Age: {example.clip.record.dms.age:g}." in example.dms_text
    for example in get_task("T4").select(small_cohort, "clean").parts["test"]:
        assert "no medical" not in example.dms_text
        assert "no obvious" not in example.dms_text


def test_paper_balances_smoking_and_keeps_its_test_part(small_cohort: Path) -> None:
    paper = get_task("S6").select(small_cohort, "paper")
    folds = get_task("S6").select(small_cohort, "clean")
    for split in ("train", "validation"):
        negative, positive = counts(paper.parts[split])
        assert negative == positive == min(counts(folds.parts[split]))
    assert paper.subjects("test") == folds.subjects("test")
    left_out = {exclusion.record_id for exclusion in paper.excluded}
    heard = {e.clip.record.record_id for part in paper.parts.values() for e in part}
    assert not left_out & heard
    assert {e.clip.record.record_id for p in folds.parts.values() for e in p} == heard | left_out


def test_paper_repeats_the_windows_of_icbhi(small_cohort: Path) -> None:
    """Training recordings give all their windows, also to validation; the rarer class repeats."""
    selection = get_task("S7").select(small_cohort, "paper")
    learned = [e.clip for split in ("train", "validation") for e in selection.parts[split]]
    distinct = {clip.clip_id: clip.record.record_id for clip in learned}
    windows = Counter(distinct.values())
    for clip in learned:
        assert windows[clip.record.record_id] == count_windows(load_audio(clip.record.audio_path))
    negative, positive = counts(selection.parts["train"])
    assert negative == positive
    train = selection.parts["train"]
    assert len({e.clip.clip_id for e in train}) < len(train), "nothing had to be repeated"
    assert {e.clip.clip_id for e in train}.isdisjoint(
        e.clip.clip_id for e in selection.parts["validation"]
    )
    assert {e.clip.window for e in selection.parts["test"]} == {0}


@pytest.mark.parametrize("task_id", ["S1", "T6"])
def test_paper_says_so_where_its_index_does_not_apply(small_cohort: Path, task_id: str) -> None:
    with pytest.raises(DataError, match="'opera' lists none") as caught:
        get_task(task_id).select(small_cohort, "paper")
    assert "use the protocol 'clean'" in str(caught.value)


def _overlaps(selections: dict[str, Selection]) -> list[tuple[str, Split, str, Split]]:
    return [
        (one, split, other, another)
        for one in selections
        for other in selections
        for split in SPLITS
        for another in SPLITS
        if split != another
        and selections[one].subjects(split) & selections[other].subjects(another)
    ]


def test_nobody_is_learned_from_in_one_task_and_tested_in_another(
    small_cohort: Path, tmp_path: Path
) -> None:
    other = task_file(tmp_path, "diseased", DISEASED)
    train, test = [get_task("S7"), get_task("S4"), other], [get_task("T5")]
    alone = {task.id: task.select(small_cohort, "clean") for task in [*train, *test]}
    assert _overlaps(alone), "the tasks do not overlap to begin with"
    selections = select_together(train, test, small_cohort, "clean")
    assert list(selections) == ["S7", "S4", "diseased", "T5"]
    assert _overlaps(selections) == []
    assert "another task has them in its test part" in notes_of(selections["diseased"])
    for task_id, selection in selections.items():
        assert selection.parts["test"] == alone[task_id].parts["test"]
    assert selections["S4"] == alone["S4"]


def test_the_paper_protocol_keeps_overlaps_and_notes_them(
    small_cohort: Path, tmp_path: Path
) -> None:
    other = task_file(tmp_path, "diseased", DISEASED)
    tasks = [get_task("S7"), other]
    selections = select_together(tasks, [], small_cohort, "paper")
    assert _overlaps(selections)
    assert "as published" in notes_of(selections["diseased"])
    for task in tasks:
        assert selections[task.id].parts == task.select(small_cohort, "paper").parts


def test_a_test_task_protects_its_people(small_cohort: Path, tmp_path: Path) -> None:
    """All people of a target task are tested, so a task that learns from them has nobody left."""
    target = task_file(tmp_path, "target", f"role: target\n{DISEASED}")
    with pytest.raises(DataError, match="no examples") as caught:
        select_together([get_task("S7")], [target], small_cohort, "clean")
    assert "task S7" in str(caught.value)


def test_a_task_is_named_once(small_cohort: Path) -> None:
    with pytest.raises(DataError, match="named twice"):
        select_together([get_task("S7")], [get_task("S7")], small_cohort, "clean")


def test_abnormal_sounds_are_labelled_clip_by_clip(small_cohort: Path, tmp_path: Path) -> None:
    source = "dataset: {name: icbhi, sound_type: lung, label: abnormal_sound, split: official}"
    task = task_file(tmp_path, "abnormal", source)
    selection = task.select(small_cohort, "clean")
    assert_nobody_in_two_parts(selection)
    examples = [example for part in selection.parts.values() for example in part]
    assert min(counts(examples)) > 0
    for example in examples:
        events = example.clip.record.events
        if not any(event.crackle or event.wheeze for event in events):
            assert example.label == 0
        elif example.clip.stop is None:
            assert example.label == 1
    with pytest.raises(DataError, match="told clip by clip"):
        task.select(small_cohort, "paper")

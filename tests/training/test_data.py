"""What is heard for training: training and validation people, and nobody else."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from respllm.batching import preparing
from respllm.config import EncoderConfig, ModelConfig, RunConfig, TaskLists
from respllm.encoders import encode_clips, load_encoder
from respllm.errors import AudioError, DataError
from respllm.training.data import load_training_data, split_hashes
from respllm.types import Clip

TASKS = TaskLists(train=("S7", "S6", "S1"), test=("T5", "T6"))
CONFIG = RunConfig(
    encoder=EncoderConfig(name="mel-patch"), model=ModelConfig(llm="nano"), name="run", tasks=TASKS
)
ENCODER = load_encoder("mel-patch")


def load(root: Path, config: RunConfig = CONFIG, **options: Any) -> Any:
    return load_training_data(config, Path(), root, ENCODER, **options)


def test_no_test_recording_is_heard(small_cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Clip] = []

    def listen(clips: Sequence[Clip], *args: Any, **options: Any) -> Any:
        heard.extend(clips)
        return encode_clips(clips, *args, **options)

    monkeypatch.setattr(preparing, "encode_clips", listen)
    data = load(small_cohort)
    tested = [e for s in data.selections.values() for e in s.parts["test"]]
    assert {e.task_id for e in tested} == {"S7", "S6", "S1", "T5", "T6"}
    assert heard
    for what in ("record_id", "subject_id", "audio_path"):
        used = {getattr(clip.record, what) for clip in heard}
        assert used.isdisjoint(getattr(e.clip.record, what) for e in tested)


def test_training_and_validation_share_nobody(small_cohort: Path) -> None:
    data = load(small_cohort)
    parts = [
        {(e.task_id, e.clip.record.subject_id) for e in part.examples}
        for part in (data.train, data.validation)
    ]
    assert all(parts)
    assert parts[0].isdisjoint(parts[1])
    assert {e.task_id for e in data.train.examples} == set(TASKS.train)


def test_a_run_may_be_limited_to_some_people(small_cohort: Path) -> None:
    few = load(small_cohort, CONFIG.model_copy(update={"limit_subjects": 6}))
    other = load(small_cohort, CONFIG.model_copy(update={"limit_subjects": 6, "seed": 1}))
    everyone = load(small_cohort)
    for task in TASKS.train:
        own = [e for e in few.train.examples if e.task_id == task]
        assert 2 <= len({e.clip.record.subject_id for e in own}) <= 7
        assert {e.label for e in own} == {0, 1}
    assert {e.clip.clip_id for e in few.train.examples} < {
        e.clip.clip_id for e in everyone.train.examples
    }
    assert few.validation.examples == everyone.validation.examples
    assert few.train.examples != other.train.examples


def test_the_fingerprint_of_a_part_names_nobody_and_knows_everybody(small_cohort: Path) -> None:
    selections = load(small_cohort).selections
    hashes = split_hashes(selections)
    assert hashes == split_hashes(load(small_cohort).selections)
    for split in ("train", "validation", "test"):
        example = selections["S7"].parts[split][0]
        shorter = {"S7": _without_first(selections["S7"], split)}
        changed = split_hashes(shorter)["S7"]
        assert {name for name in changed if changed[name] != hashes["S7"][name]} == {split}
        assert example.clip.record.subject_id not in str(hashes)


def _without_first(selection: Any, split: str) -> Any:
    from dataclasses import replace

    return replace(selection, parts={**selection.parts, split: selection.parts[split][1:]})


@pytest.fixture
def lung_cohort(small_cohort: Path, tmp_path: Path) -> Path:
    """A copy of the ICBHI part that a test may damage."""
    shutil.copytree(small_cohort / "icbhi", tmp_path / "data" / "icbhi")
    return tmp_path / "data"


def test_a_broken_recording_is_skipped_and_named_or_stops(lung_cohort: Path) -> None:
    config = RunConfig(
        encoder=EncoderConfig(name="mel-patch"),
        model=ModelConfig(llm="nano"),
        name="run",
        tasks=TaskLists(train=("S7",)),
    )
    before = load(lung_cohort, config)
    broken = before.train.examples[0].clip.record
    broken.audio_path.write_bytes(b"not a recording")
    after = load(lung_cohort, config)
    assert len(after.train.examples) < len(before.train.examples)
    assert {one.path for one in after.train.skipped} == {broken.audio_path}
    with pytest.raises(AudioError, match=str(broken.audio_path)):
        load(lung_cohort, config, strict=True)


def test_a_task_whose_positives_cannot_be_heard_stops_the_training(lung_cohort: Path) -> None:
    config = RunConfig(
        encoder=EncoderConfig(name="mel-patch"),
        model=ModelConfig(llm="nano"),
        name="run",
        tasks=TaskLists(train=("S7",)),
    )
    for example in load(lung_cohort, config).train.examples:
        if example.label == 1:
            example.clip.record.audio_path.write_bytes(b"")
    with pytest.raises(DataError, match=r"both answers.*task S7.*data verify"):
        load(lung_cohort, config)


def test_a_missing_dataset_is_named(lung_cohort: Path) -> None:
    with pytest.raises(DataError, match="covid19_sounds"):
        load(lung_cohort)


def test_models_of_one_task_and_of_all_share_their_data(small_cohort: Path) -> None:
    together = load(small_cohort)
    tasks = TaskLists(train=TASKS.train, test=TASKS.test, learn=("S6",))
    alone = load(small_cohort, CONFIG.model_copy(update={"tasks": tasks}))
    assert [task.id for task in alone.train_tasks] == ["S6"]
    assert {task.id for task in alone.test_tasks} == {"S7", "S1", "T5", "T6"}
    assert split_hashes(alone.selections) == split_hashes(together.selections)
    for part in ("train", "validation"):
        own = [e for e in getattr(together, part).examples if e.task_id == "S6"]
        assert list(getattr(alone, part).examples) == own

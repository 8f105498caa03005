"""A run from its declaration to its folder."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from respllm.config import LoraSettings, ModelConfig, RunConfig, TrainingConfig
from respllm.datasets import DATASETS
from respllm.errors import CheckpointError, ConfigError, DataError
from respllm.models import Checkpoint, KnownTask
from respllm.tasks import get_task
from respllm.training import RunFolder, train
from respllm.training.observing import RunRecorder
from respllm.training.state import load_state
from tests.models.checkpoints import edit_config
from tests.models.conftest import write_tiny_llm


def weights_of(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def config_of(run: Path, **changes: Any) -> RunConfig:
    """The run's settings with some training settings changed."""
    config = RunFolder(run).read_config()
    settings = TrainingConfig(**config.training.model_dump() | changes)
    return config.model_copy(update={"training": settings})


def validations(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in ("step", "improved", "auroc")} for line in lines]


def test_the_same_run_twice_gives_the_same_weights(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    summary = train(config_of(trained_run), small_cohort, tmp_path / "again")
    assert summary.folder == tmp_path / "again"
    assert weights_of(tmp_path / "again") == weights_of(trained_run)
    assert (tmp_path / "again" / "metrics.jsonl").read_text() == (
        trained_run / "metrics.jsonl"
    ).read_text()


def test_the_seed_changes_the_weights(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    other = config_of(trained_run).model_copy(update={"seed": 1})
    train(other, small_cohort, tmp_path / "other")
    assert weights_of(tmp_path / "other") != weights_of(trained_run)


@pytest.mark.parametrize("stopped_in", ["before", "during", "after"])
def test_an_interrupted_run_ends_with_the_same_weights(
    trained_run: Path,
    small_cohort: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stopped_in: str,
) -> None:
    """Stopped before a state is written, between model and state, and just after the state."""
    real_save, real_validated, out = RunRecorder.save, RunRecorder.validated, tmp_path / "run"

    def save(self: RunRecorder, *args: Any) -> None:
        if stopped_in == "before":
            raise KeyboardInterrupt
        real_save(self, *args)
        if stopped_in == "after":
            raise KeyboardInterrupt

    def validated(self: RunRecorder, progress: Any, *args: Any) -> None:
        real_validated(self, progress, *args)
        if stopped_in == "during" and progress.step > 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, "save", save)
        patch.setattr(RunRecorder, "validated", validated)
        with pytest.raises(KeyboardInterrupt):
            train(config_of(trained_run), small_cohort, out)
    record = json.loads((out / "run.json").read_text())
    assert record["finished"] is False
    assert (out / "state" / "last.pt").exists() == (stopped_in != "before")
    summary = train(config_of(trained_run), small_cohort, out, resume=True)
    assert weights_of(out) == weights_of(trained_run)
    assert validations(out) == validations(trained_run)
    whole = RunFolder(trained_run).read_record()
    again = RunFolder(out).read_record()
    for key in ("finished", "steps", "best_step", "validation_auroc", "splits"):
        assert again[key] == whole[key]
    assert summary.steps == whole["steps"]


@pytest.mark.parametrize("end", ['{"step": 9, "auroc": {"S7": 0.5}', '{"st', "\x00\x00"])
def test_a_validation_that_was_not_written_to_its_end_is_done_again(
    trained_run: Path, small_cohort: Path, tmp_path: Path, end: str
) -> None:
    shutil.copytree(trained_run, tmp_path / "run")
    with RunFolder(tmp_path / "run").metrics.open("a") as file:
        file.write(end)
    train(config_of(trained_run), small_cohort, tmp_path / "run", resume=True)
    assert validations(tmp_path / "run") == validations(trained_run)


def test_resuming_a_finished_run_changes_nothing(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_run, tmp_path / "run")
    train(config_of(trained_run), small_cohort, tmp_path / "run", resume=True)
    assert weights_of(tmp_path / "run") == weights_of(trained_run)
    assert validations(tmp_path / "run") == validations(trained_run)


def test_a_run_is_neither_overwritten_nor_changed(trained_run: Path, small_cohort: Path) -> None:
    before = weights_of(trained_run)
    with pytest.raises(ConfigError, match="already holds a run"):
        train(config_of(trained_run), small_cohort, trained_run)
    with pytest.raises(ConfigError, match="other settings: training"):
        train(config_of(trained_run, epochs=5), small_cohort, trained_run, resume=True)
    assert weights_of(trained_run) == before


def test_a_run_does_not_go_on_with_other_recordings(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_run, tmp_path / "run")
    data = tmp_path / "data"
    for name in ("icbhi", "kauh", "covid19_sounds"):
        shutil.copytree(small_cohort / name, data / name)
    next((data / "icbhi" / "ICBHI_final_database").glob("*.wav")).unlink()
    with pytest.raises(DataError, match="not those this run began with"):
        train(config_of(trained_run), data, tmp_path / "run", resume=True)


def test_a_run_that_failed_before_training_can_be_started_again(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    config = config_of(trained_run, epochs=1)
    with pytest.raises(DataError):
        train(config, tmp_path / "nowhere", tmp_path / "run")
    assert train(config, small_cohort, tmp_path / "run").steps == 4


def test_the_kept_model_is_the_best_on_validation(trained_run: Path) -> None:
    lines = validations(trained_run)
    means = [sum(line["auroc"].values()) / len(line["auroc"]) for line in lines]
    best = max(range(len(means)), key=lambda i: (means[i], -i))
    record = RunFolder(trained_run).read_record()
    assert record["best_step"] == lines[best]["step"]
    assert record["validation_auroc"]["mean"] == pytest.approx(means[best])
    assert set(lines[0]["auroc"]) == {"S6", "S7"}, "test tasks have no say"


def test_a_worse_model_does_not_replace_the_best(
    trained_run: Path, small_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([0.8, 0.6])
    monkeypatch.setattr(
        "respllm.training.loop.task_aurocs", lambda examples, logits: {"S7": next(values)}
    )
    train(config_of(trained_run), small_cohort, tmp_path / "run")
    record = RunFolder(tmp_path / "run").read_record()
    assert (record["best_step"], record["steps"]) == (4, 8)
    _, last, _ = load_state(RunFolder(tmp_path / "run").state)
    kept = Checkpoint.from_pretrained(tmp_path / "run").model.state_dict()
    assert any(not torch.equal(kept[name], last[name]) for name in last)


def test_the_record_tells_what_the_run_was_and_names_nobody(
    trained_run: Path, small_cohort: Path
) -> None:
    record = RunFolder(trained_run).read_record()
    assert set(record["versions"]) >= {"respllm", "python", "torch", "transformers", "peft"}
    assert record["simulated"] is True
    assert record["finished"] is True
    assert record["parameters"]["trained"] > 0
    assert record["peak_memory_bytes"]["main"] > 50e6
    assert record["data"]["T5"]["clips"]["train"] == 0
    assert record["data"]["S7"]["subjects"]["train"] > 0
    assert len(set(record["splits"]["S7"].values())) == 3
    text = (trained_run / "run.json").read_text()
    for task in ("S7", "S6", "T5"):
        for split in ("train", "validation", "test"):
            for example in get_task(task).examples(small_cohort, split, "clean"):
                assert example.clip.record.subject_id not in text
                assert example.clip.record.record_id not in text


def test_skipped_clips_are_counted_in_the_record_and_named_beside_it(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for name in ("icbhi", "kauh", "covid19_sounds"):
        shutil.copytree(small_cohort / name, data / name)
    broken = get_task("S7").examples(data, "train", "clean")[0].clip
    broken.record.audio_path.write_bytes(b"noise")
    summary = train(config_of(trained_run, epochs=1), data, tmp_path / "run")
    skipped = json.loads((tmp_path / "run" / "skipped.json").read_text())
    assert summary.skipped == RunFolder(tmp_path / "run").read_record()["skipped"] == 1
    assert skipped[0]["clip"] == broken.clip_id
    assert "decoded" in skipped[0]["reason"]


def test_the_run_folder_holds_all_that_was_promised(trained_run: Path) -> None:
    names = {path.name for path in trained_run.iterdir()}
    assert names >= {"config.yaml", "run.json", "metrics.jsonl", "tensorboard", "model", "state"}
    assert list((trained_run / "tensorboard").glob("events*"))
    assert not list(trained_run.rglob("*.new"))


def test_the_checkpoint_knows_tasks_and_shares(trained_run: Path, small_cohort: Path) -> None:
    config = Checkpoint.from_pretrained(trained_run).config
    assert [(task.id, task.role) for task in config.tasks] == [
        ("S7", "source"),
        ("S6", "source"),
        ("T5", "target"),
    ]
    assert config.simulated
    assert config.datasets == ("covid19_sounds", "icbhi")
    assert config.agreement_only == (), "simulated recordings are under nobody's agreement"
    task = config.task("S7")
    assert isinstance(task, KnownTask)
    examples = get_task("S7").examples(small_cohort, "train", "clean")
    people = {(e.clip.record.subject_id, e.label) for e in examples}
    assert task.prior == pytest.approx(sum(label or 0 for _, label in people) / len(people))
    assert task.trained_prior == pytest.approx(0.5)


def test_without_balancing_the_shares_are_those_of_the_clips(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    train(config_of(trained_run, epochs=1, balance="none"), small_cohort, tmp_path / "run")
    task = Checkpoint.from_pretrained(tmp_path / "run").config.task("S7")
    assert task is not None
    labels = [e.label or 0 for e in get_task("S7").examples(small_cohort, "train", "clean")]
    assert task.trained_prior == pytest.approx(sum(labels) / len(labels))


def test_a_run_starts_from_an_earlier_one_and_inherits_its_terms(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(trained_run, earlier)
    edit_config(earlier / "model", agreement_only=["covid19_sounds"])
    # A rate of almost nothing: the weights stay those of the earlier run.
    config = config_of(trained_run, epochs=1, learning_rate=1e-12).model_copy(
        update={
            "init_from": earlier,
            "tasks": config_of(trained_run).tasks.model_copy(update={"train": ("S7",)}),
        }
    )
    train(config, small_cohort, tmp_path / "run")
    before, after = (Checkpoint.from_pretrained(run) for run in (earlier, tmp_path / "run"))
    for name, weight in before.model.state_dict().items():
        torch.testing.assert_close(after.model.state_dict()[name], weight, atol=1e-6, rtol=0)
    assert after.config.datasets == ("covid19_sounds", "icbhi")
    assert after.config.agreement_only == ("covid19_sounds",)
    assert after.config.simulated


def test_a_model_trained_on_simulated_data_stays_simulated(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    """Copied without its marker, the cohort passes for real recordings."""
    for name in ("icbhi", "kauh"):
        shutil.copytree(small_cohort / name, tmp_path / "data" / name)
    base = config_of(trained_run, epochs=1)
    config = base.model_copy(
        update={"init_from": trained_run, "tasks": base.tasks.model_copy(update={"train": ("S7",)})}
    )
    train(config, tmp_path / "data", tmp_path / "run")
    assert Checkpoint.from_pretrained(tmp_path / "run").config.simulated
    assert RunFolder(tmp_path / "run").read_record()["simulated"] is True


def test_another_head_or_encoder_cannot_go_on_from_an_earlier_run(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    base = config_of(trained_run).model_copy(update={"init_from": trained_run})
    other = base.model_copy(update={"model": base.model.model_copy(update={"head": "last"})})
    with pytest.raises(CheckpointError, match="another language model, head or adapter"):
        train(other, small_cohort, tmp_path / "head")
    about = tmp_path / "earlier"
    shutil.copytree(trained_run / "model", about)
    edit_config(about, encoder_identity="ears")
    with pytest.raises(CheckpointError, match="hears through ears"):
        train(base.model_copy(update={"init_from": about}), small_cohort, tmp_path / "ears")


def test_real_recordings_under_an_agreement_are_remembered(
    small_cohort: Path, trained_run: Path, tmp_path: Path
) -> None:
    for name in ("icbhi", "kauh", "covid19_sounds"):
        shutil.copytree(small_cohort / name, tmp_path / "data" / name)
    train(config_of(trained_run, epochs=1), tmp_path / "data", tmp_path / "run")
    config = Checkpoint.from_pretrained(tmp_path / "run").config
    assert not config.simulated
    assert DATASETS["covid19_sounds"].agreement_only
    assert config.agreement_only == ("covid19_sounds",)


@pytest.mark.parametrize("saving", ["checkpointing", "accumulation", "bf16"])
def test_adapters_of_a_frozen_model_are_trained_in_every_memory_saving_way(
    trained_run: Path, small_cohort: Path, tmp_path: Path, saving: str
) -> None:
    llm = write_tiny_llm(tmp_path / "llama", "llama")
    model = ModelConfig(
        llm=str(llm),
        lora=LoraSettings(r=4),
        gradient_checkpointing=saving == "checkpointing",
        dtype="bfloat16" if saving == "bf16" else "float32",
    )
    config = config_of(
        trained_run,
        epochs=1,
        micro_batch_size=5 if saving == "accumulation" else None,
        bf16=saving == "bf16",
    ).model_copy(update={"model": model})
    train(config, small_cohort, tmp_path / "run")
    checkpoint = Checkpoint.from_pretrained(tmp_path / "run")
    moved = {
        name: bool(weight.abs().max() > 0)
        for name, weight in checkpoint.model.named_parameters()
        if "lora_B" in name  # zero before the first step
    }
    assert moved
    assert all(moved.values())

"""From texts to a language model that a run can use."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from respllm.batching import TextTokenizer
from respllm.cli.main import app
from respllm.config import ModelConfig, read_yaml
from respllm.errors import CheckpointError, ConfigError, DataError
from respllm.models import load_llm
from respllm.pretraining.text import TextPretraining, TextPretrainingResult, pretrain_text
from respllm.pretraining.text.observing import TextRecorder
from respllm.pretraining.text.optimising import PretrainingDivergedError
from tests.pretraining.text.conftest import sentences, settings, write_texts


class KilledError(Exception):
    """What a kill looks like from inside."""


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def run(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> TextPretrainingResult:
    return pretrain_text(settings(), tmp_path_factory.mktemp("run") / "out", source_folder=texts)


def test_a_run_measures_what_it_saved(run: TextPretrainingResult, texts: Path) -> None:
    assert [one.model for one in run.perplexities] == ["language model", "trigram", "bigram"]
    for one in run.perplexities:
        assert 1 < one.per_token < 400
        assert one.tokens < one.bytes
    assert run.steps == 6
    record = json.loads((run.folder / "run.json").read_text())
    assert record["split"]["test"] == len(run.split.test)
    assert record["perplexities"][0]["per_token"] == run.perplexities[0].per_token
    assert str(texts) not in json.dumps(record)
    assert next(iter(weights(run.folder).values())).dtype == torch.bfloat16
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 6]
    losses = [json.loads(line)["validation_loss"] for line in lines]
    assert losses[-1] < losses[0]
    assert list((run.folder / "tensorboard").iterdir())


def test_the_card_names_sources_terms_seed_and_results(run: TextPretrainingResult) -> None:
    card = (run.folder / "model" / "README.md").read_text()
    for part in ("Made-up sentences", "CC0", "seed 0", "Not a medical device", "| 6 |"):
        assert part in card
    assert f"| language model | {run.perplexities[0].per_token:.1f} |" in card


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    optimizer: str, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = settings()
    plan = plan.model_copy(
        update={"training": plan.training.model_copy(update={"optimizer": optimizer})}
    )
    whole = pretrain_text(plan, tmp_path / "whole", source_folder=texts)
    step = TextRecorder.step

    def kill(self: TextRecorder, progress: Any, *rest: Any) -> None:
        if progress.step == 5:
            raise KilledError
        step(self, progress, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(TextRecorder, "step", kill)
        with pytest.raises(KilledError):
            pretrain_text(plan, tmp_path / "killed", source_folder=texts)
    resumed = pretrain_text(plan, tmp_path / "killed", source_folder=texts, resume=True)
    one, other = weights(whole.folder), weights(resumed.folder)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert dataclasses.replace(resumed, folder=whole.folder) == whole
    metrics = [(folder / "metrics.jsonl").read_text() for folder in (whole.folder, resumed.folder)]
    assert [json.loads(line)["validation_loss"] for line in metrics[0].splitlines()] == [
        json.loads(line)["validation_loss"] for line in metrics[1].splitlines()
    ]


def test_a_folder_in_use_and_another_runs_settings_are_refused(
    run: TextPretrainingResult, texts: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="already holds a run"):
        pretrain_text(settings(), run.folder, source_folder=texts)
    with pytest.raises(ConfigError, match="other settings: seed"):
        pretrain_text(settings(seed=1), run.folder, source_folder=texts, resume=True)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        pretrain_text(settings(), tmp_path, source_folder=texts)


def test_other_texts_do_not_go_on_with_a_run(run: TextPretrainingResult, tmp_path: Path) -> None:
    documents = [{"focus": f"{i}", "question": "", "answer": sentences(i)} for i in range(300)]
    write_texts(tmp_path / "texts.jsonl.gz", documents)
    with pytest.raises(DataError, match="not those that this run began with"):
        pretrain_text(settings(), run.folder, source_folder=tmp_path, resume=True)


def test_a_damaged_state_says_what_to_do(texts: Path, tmp_path: Path) -> None:
    plan = settings()
    plan = plan.model_copy(update={"training": plan.training.model_copy(update={"steps": 2})})
    pretrain_text(plan, tmp_path / "out", source_folder=texts)
    state = tmp_path / "out" / "state" / "last.pt"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1  # torch itself would not notice
    state.write_bytes(content)
    with pytest.raises(CheckpointError, match="delete the run folder's `state`"):
        pretrain_text(plan, tmp_path / "out", source_folder=texts, resume=True)
    shutil.rmtree(state.parent)
    assert pretrain_text(plan, tmp_path / "out", source_folder=texts, resume=True).steps == 2


def test_it_stops_when_nothing_gets_better(texts: Path, tmp_path: Path) -> None:
    plan = settings()
    training = plan.training.model_copy(
        update={"learning_rate": 1.0, "steps": 40, "patience": 2, "warmup_fraction": 0.0}
    )
    plan = plan.model_copy(update={"training": training})
    try:
        result = pretrain_text(plan, tmp_path / "out", source_folder=texts)
    except PretrainingDivergedError as error:
        pytest.fail(str(error))
    assert result.steps < 40
    assert result.best_step == result.steps - 2 * training.validate_every


def test_more_tokens_than_the_texts_give_are_refused(texts: Path, tmp_path: Path) -> None:
    model = settings().model.model_copy(update={"vocabulary": 50_000})
    with pytest.raises(ConfigError, match=r"The texts give \d+ tokens, not 50000"):
        pretrain_text(settings(model=model.model_dump()), tmp_path / "o", source_folder=texts)


@pytest.mark.parametrize("train", ["adapters", "all"])
def test_a_run_takes_it_as_its_language_model(run: TextPretrainingResult, train: Any) -> None:
    config = ModelConfig(llm=str(run.folder / "model"), train=train)
    loaded = load_llm(config, seed=0)
    trained = [p for p in loaded.model.parameters() if p.requires_grad]
    assert trained
    assert loaded.trained_in_full == (train == "all") == (len(trained) > 10)
    ids = TextTokenizer(loaded.tokenizer).prompt_ids("Is it asthma?")
    assert ids[0] == 0
    saved = weights(run.folder)["model.embed_tokens.weight"].float()
    assert torch.equal(loaded.model.get_input_embeddings().weight.detach(), saved)


def test_the_command_tells_what_was_learned(texts: Path, tmp_path: Path) -> None:
    plan = settings(name="told").model_dump(mode="json")
    plan["training"]["steps"] = 2
    config = tmp_path / "plan.yaml"
    plan["sources"][0]["path"] = str(texts / "texts.jsonl.gz")
    config.write_text(json.dumps(plan))
    out = tmp_path / "out"
    command = ["pretrain", "text", str(config), "--out", str(out)]
    told = CliRunner().invoke(app, command, catch_exceptions=False)
    assert told.exit_code == 0
    assert "language model" in told.stdout
    assert "bits per byte" in told.stdout
    again = CliRunner().invoke(app, [*command, "--resume", "--json"], catch_exceptions=False)
    content = json.loads(again.stdout)
    assert content["steps"] == 2
    assert isinstance(content["split"]["train"], int)


def test_the_repositorys_own_plan_can_be_read() -> None:
    plan = read_yaml(Path(__file__).parents[3] / "configs/pretrain_text.yaml", TextPretraining)
    assert plan.sources[0].licence == "CC BY 4.0"
    assert "Ben Abacha" in plan.sources[0].attribution

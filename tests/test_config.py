"""A run file is read strictly: unknown keys, wrong values and broken files say what to do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from respllm.config import (
    EncoderConfig,
    RunConfig,
    StrictModel,
    TrainingConfig,
    parse,
    read_yaml,
)
from respllm.errors import ConfigError

SMALLEST: dict[str, Any] = {"name": "run", "tasks": {"train": ["S7"]}}


def written(folder: Path, content: Any) -> Path:
    path = folder / "run.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_the_smallest_run_file_gets_the_defaults(tmp_path: Path) -> None:
    run = read_yaml(written(tmp_path, SMALLEST), RunConfig)
    assert run.tasks.train == ("S7",)
    assert run.protocol == "clean"
    assert run.encoder == EncoderConfig(name="htsat-small")
    assert run.model.llm == "medical-10m"
    assert (run.model.lora.r, run.model.lora.alpha) == (16, 32)


def test_settings_survive_a_round_trip_through_yaml(tmp_path: Path) -> None:
    content = SMALLEST | {
        "encoder": {"name": "opera-ct", "checkpoint": "weights.ckpt"},
        "training": {"epochs": 7, "micro_batch_size": 4, "patience": None},
        "init_from": "runs/earlier",
    }
    run = parse(content, RunConfig, where="test")
    assert read_yaml(written(tmp_path, run.model_dump(mode="json")), RunConfig) == run


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TrainingConfig().epochs = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocoll": "paper"}, "Unknown key 'protocoll'. Did you mean 'protocol'"),
        ({"training": {"epoch": 3}}, "Unknown key in training: 'epoch'. Did you mean 'epochs'"),
        (
            {"model": {"lora": {"rank": 8}}},
            "Unknown key in model.lora: 'rank'. Available: r, alpha",
        ),
        ({"protocol": "published"}, "protocol: Input should be 'paper' or 'clean'"),
        ({"training": {"epochs": 0}}, "training.epochs"),
        ({"training": {"learning_rate": "fast"}}, "got 'fast'"),
        ({"training": {"batch_size": 4, "micro_batch_size": 8}}, "micro_batch_size 8 exceeds"),
        ({"model": {"head": "first"}}, "model.head"),
        ({"tasks": {"train": []}}, "tasks.train"),
        ({"name": "a/b"}, "name"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: dict, message: str) -> None:
    path = written(tmp_path, SMALLEST | change)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path, RunConfig)
    assert message in str(caught.value)
    assert caught.value.where == str(path)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Missing key 'tasks'"):
        read_yaml(written(tmp_path, {"name": "run"}), RunConfig)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Unknown key 'a'.*Unknown key 'b'"):
        read_yaml(written(tmp_path, SMALLEST | {"a": 1, "b": 2}), RunConfig)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "Not valid YAML"),
        ("- a list", "holds list, not settings"),
        ("", "holds NoneType, not settings"),
    ],
)
def test_a_file_that_holds_no_settings(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_yaml(written(tmp_path, text), RunConfig)


@pytest.mark.parametrize("make", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read(tmp_path: Path, make: str) -> None:
    path = tmp_path / "run.yaml"
    if make == "folder":
        path.mkdir()
    elif make == "bytes":
        path.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ConfigError, match="Cannot read"):
        read_yaml(path, RunConfig)


def test_every_run_file_of_the_repository_can_be_read() -> None:
    files = sorted((Path(__file__).resolve().parent.parent / "configs").glob("*.yaml"))
    files = [path for path in files if not path.name.startswith("pretrain_")]  # of other verbs
    assert files
    for path in files:
        assert read_yaml(path, RunConfig).name


def test_what_is_learned_is_among_the_training_tasks() -> None:
    tasks = {"train": ["S7", "S1"], "test": ["T5"], "learn": ["S1"]}
    run = parse(SMALLEST | {"tasks": tasks}, RunConfig, where="test")
    assert run.tasks.learned == ("S1",)
    assert run.tasks.not_learned == ("S7", "T5")
    with pytest.raises(ConfigError, match="task in learn 'S2'"):
        parse(SMALLEST | {"tasks": tasks | {"learn": ["S2"]}}, RunConfig, where="test")


MANY = "".join(f"k{i}: &k{i} {{<<: [{', '.join([f'*k{i - 1}'] * 10)}]}}\n" for i in range(1, 9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: " + "[" * 900, "Not valid YAML: RecursionError"),
        ("name: " + "[" * 3000, "too many brackets"),
        ("name: 2024-99-99", "Not valid YAML: ValueError: month must be"),
        ("name: !!timestamp soon", "Not valid YAML"),
        ("name: !!bool perhaps", "Not valid YAML: KeyError"),
        ("seed: " + "1" * 5000, "Not valid YAML: ValueError"),
        ("name: a\nseed: 1\nname: b", "two values for the key 'name'"),
        ("a: &a {<<: *a}", "unfold to too much or to themselves"),
        ("name: &a [*a]", "unfold to too much or to themselves"),
        ("k0: &k0 {x: 1}\n" + MANY, "unfold to too much or to themselves"),
        ("name: " + "a" * 300_000, "larger than 64 KiB"),
        ("1: 2", "1: Keys should be strings"),
        ("a.b: 2", "Unknown key 'a.b'"),
    ],
)
def test_hostile_yaml_is_one_short_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_yaml(written(tmp_path, text), RunConfig)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("bracket", ["[]", "{}"])
def test_the_slowest_yaml_takes_no_seconds(tmp_path: Path, bracket: str) -> None:
    """Brackets that open deeply again and again: their number is bounded, not only their depth."""
    left, right = bracket
    begun = time.process_time()
    for text in (left * 230 + "1," * 300 + right * 230 + ",", left * 45 + "1," * 30 + right * 45):
        path = written(tmp_path, f"name: [{text * 9999}"[: 1 << 16])
        with pytest.raises(ConfigError, match="brackets"):
            read_yaml(path, RunConfig)
    assert time.process_time() - begun < 0.5


def test_a_path_that_is_none_is_an_error() -> None:
    with pytest.raises(ConfigError, match="Cannot read"):
        read_yaml(Path("run\0.yaml"), RunConfig)


def test_aliases_for_sections_stay(tmp_path: Path) -> None:
    text = "name: a\ntasks: {train: [S7]}\ntraining: &t {epochs: 9}\nbaselines: {training: *t}\n"
    run = read_yaml(written(tmp_path, text), RunConfig)
    assert run.baselines.training.epochs == run.training.epochs == 9


class Item(StrictModel):
    size: int = 0


class Items(StrictModel):
    items: tuple[Item, ...]


def test_an_unknown_key_within_a_list_is_named() -> None:
    with pytest.raises(ConfigError, match=r"Unknown key in items\.1: 'sise'. Did you mean 'size'"):
        parse({"items": [{}, {"sise": 1}]}, Items, where="test")


def test_many_problems_and_long_values_make_a_short_error() -> None:
    content = SMALLEST | {f"{i}" * 500: i for i in range(500)} | {"protocol": "x" * 10**6}
    with pytest.raises(ConfigError, match="and 481 more") as caught:
        parse(content, RunConfig, where="test")
    assert len(str(caught.value)) < 10_000

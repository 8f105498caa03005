from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from respllm.comparisons import BASELINE_NAMES, ENTRIES, TABLES
from respllm.comparisons.entries import BLIND, entry, pointless
from respllm.config import EncoderConfig, ModelConfig, RunConfig, TaskLists
from respllm.errors import ConfigError
from respllm.models import PRESETS
from respllm.models.baselines import BASELINES

RUN = RunConfig(
    encoder=EncoderConfig(name="mel-patch"),
    model=ModelConfig(llm="nano"),
    name="run",
    tasks=TaskLists(train=("S7",)),
)


def printed(table: int) -> set[str]:
    path = files("respllm.evaluation").joinpath("tables", "paper_tables.csv")
    rows = csv.DictReader(path.read_text().splitlines())
    return {row["model"] for row in rows if row["table"] == str(table)}


@pytest.mark.parametrize("number", sorted(TABLES))
def test_every_row_of_the_papers_tables_has_its_entry(number: int) -> None:
    assert {entry(name).paper for name in TABLES[number].rows} == printed(number)


def test_every_language_model_of_the_paper_is_run_as_its_preset() -> None:
    names = list(TABLES[6].rows)
    llms = [entry(name).config(RUN).model.llm for name in names]
    assert set(llms) == set(PRESETS) - {"nano"}


def test_controls_change_what_they_say_and_nothing_else() -> None:
    for name, model in (
        ("respllm", ModelConfig(llm="nano")),
        ("respllm-text", ModelConfig(llm="nano", inputs="text")),
        ("respllm-audio", ModelConfig(llm="nano", inputs="audio")),
        ("respllm-random", ModelConfig(llm="nano", random_weights=True)),
    ):
        changed = entry(name).config(RUN)
        assert changed == RUN.model_copy(update={"name": f"run-{name}", "model": model})


def test_some_controls_say_nothing_about_some_runs() -> None:
    assert "RespLLM itself" in pointless("respllm-random", RUN, True)
    assert "simulated" in pointless("posterior", RUN, False)
    other = RUN.model_copy(update={"model": ModelConfig(llm="gemma2-2b")})
    assert not any(pointless(name, other, True) for name in BASELINE_NAMES)


def test_an_unknown_model_is_refused_with_a_near_miss() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'fusion-soft'"):
        entry("fusion-sof")
    assert {one.name for one in ENTRIES.values()} == set(ENTRIES)


def test_a_baseline_is_what_its_model_says() -> None:
    own = {name: one for name, one in ENTRIES.items() if one.kind == "baseline"}
    models = {name: BASELINES[name.removesuffix(BLIND)] for name in own}
    assert {name: one.scope for name, one in own.items()} == {n: m.scope for n, m in models.items()}
    assert {name.removesuffix(BLIND) for name in own} == set(BASELINES)

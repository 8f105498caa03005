"""`respllm data`, `simulate`, `cache` and `doctor`: what there is, and what is here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from respllm.cli.doctor import diagnose
from respllm.datasets import DATASETS
from respllm.models import PRESETS
from respllm.tasks import builtin_tasks
from tests.cli.conftest import Run


def test_list_names_every_dataset_and_task(respllm: Run) -> None:
    listed = respllm("data", "list", "--json").json
    assert [d["name"] for d in listed["datasets"]] == list(DATASETS)
    assert [t["id"] for t in listed["tasks"]] == list(builtin_tasks())
    assert all(d["licence"] and d["citation"] for d in listed["datasets"])
    text = respllm("data", "list").out
    assert all(name in text for name in (*DATASETS, *builtin_tasks()))
    under_agreement = {d["name"] for d in listed["datasets"] if d["agreement_only"]}
    assert under_agreement == {"covid19_sounds"}
    assert "(signed" in text


def test_verify_counts_what_is_there(respllm: Run, small_cohort: Path) -> None:
    found = respllm("data", "verify", small_cohort, "--json").json
    assert {d["name"] for d in found["datasets"]} == set(DATASETS)
    assert all(d["found"] > 0 and not d["missing"] for d in found["datasets"])
    text = respllm("data", "verify", small_cohort).out
    assert "icbhi" in text
    assert "Next: respllm train" in text


def test_verify_says_that_nothing_is_there(respllm: Run, tmp_path: Path) -> None:
    outcome = respllm("data", "verify", tmp_path / "nowhere")
    assert "nowhere" in outcome.out + outcome.err
    assert "Traceback" not in outcome.err


def test_simulate_writes_a_cohort_once(
    respllm: Run, refused: Callable[..., str], tmp_path: Path
) -> None:
    made = respllm("simulate", "cohort", "--subjects", 200, "--seed", 3, "--json").json
    assert sum(made["subjects"].values()) == 200
    assert (tmp_path / "cohort" / "icbhi").is_dir()
    assert "cohort" in refused("simulate", "cohort", "--subjects", 200)


def test_the_cache_is_shown_and_cleared(
    respllm: Run, tmp_path: Path, small_cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESPLLM_CACHE", str(tmp_path / "cache"))
    assert respllm("cache", "--json").json["tokens"]["entries"] == 0
    from respllm.encoders import encode_clips, load_encoder
    from respllm.tasks import get_task

    examples = get_task("S7").examples(small_cohort, "test", "clean")[:3]
    encode_clips([example.clip for example in examples], load_encoder("mel-patch"))
    shown = respllm("cache", "--json").json
    assert shown["tokens"]["entries"] == 3
    assert shown["tokens"]["bytes"] > 0
    assert Path(shown["folder"]) == tmp_path / "cache"
    assert "derived from recordings of people" in respllm("cache").out
    assert respllm("cache", "--clear", "--json").json["tokens"]["entries"] == 0


def test_doctor_tells_what_fits(respllm: Run) -> None:
    found = respllm("doctor", "--json").json
    assert found["cpus"] >= 1
    assert found["memory_gib"] > 0
    assert [fit["preset"] for fit in found["presets"]] == list(PRESETS)
    sizes = {fit["preset"]: fit["gib_16_bit"] for fit in found["presets"]}
    assert sizes["nano"] < 1 < sizes["gemma2-2b"] < sizes["openbiollm-8b"] < 30
    text = respllm("doctor").out
    assert "Hugging Face token" in text
    assert "Next: respllm demo" in text


def test_a_model_fits_only_where_its_weights_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import psutil
    import torch

    class Memory:
        total = 8 * 2**30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory)
    fits = {fit.preset: fit for fit in diagnose(tmp_path).presets}
    assert fits["nano"].fits_16_bit
    assert fits["gemma2-2b"].fits_16_bit
    assert not fits["openbiollm-8b"].fits_16_bit
    assert not fits["openbiollm-8b"].fits_4_bit, "4 bits need a GPU"
    assert fits["llama3-8b"].gated

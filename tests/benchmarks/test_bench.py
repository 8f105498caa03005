"""The benchmark measures what it says: the same model, the same examples, the same answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.audio import load_audio, log_mel
from respllm.benchmarks.bench import Plan, bench
from respllm.benchmarks.plain import plain_answers
from respllm.benchmarks.predicting import (
    CachedPredictions,
    FilePredictions,
    plain_file_predictions,
    write_files,
)
from respllm.benchmarks.results import TARGETS
from respllm.benchmarks.timing import alternating, peak_bytes, ratio
from respllm.benchmarks.training import largest_loss_difference
from respllm.benchmarks.workload import BATCH, Size, Workload
from respllm.cli.bench import _print
from respllm.cli.output import plain
from respllm.errors import RespllmError

SMALL = Size(width=64, inner=96, layers=2, heads=2)


@pytest.fixture(scope="module")
def work() -> Workload:
    return Workload(2 * BATCH, SMALL)


def test_texts_have_the_lengths_that_are_claimed() -> None:
    samples = Workload(300, SMALL).samples()
    prompts = [len(sample.prompt) for sample in samples]
    texts = [len(sample.dms) for sample in samples]
    assert 80 < np.mean(prompts) < 83
    assert 38 < np.mean(texts) < 42
    assert len({tuple(sample.prompt) for sample in samples}) == 7


def test_both_ways_give_the_same_logits(work: Workload) -> None:
    plain_way = plain_answers(work.model, work.network, work.samples())
    with torch.inference_mode():
        ours = work.model(work.set().batch(range(2 * BATCH)))
    torch.testing.assert_close(ours, plain_way, atol=1e-5, rtol=0)
    assert plain_way.std(0).min() > 1e-3


def test_both_ways_learn_the_same(work: Workload) -> None:
    """The issue's 50 steps at full size are part of the benchmark; here six at a small one."""
    assert largest_loss_difference(Workload(6 * BATCH, SMALL), 6) < 1e-4


def test_both_ways_predict_the_same(work: Workload, tmp_path: Path) -> None:
    logits = plain_answers(work.model, work.network, work.samples())
    expected = (logits[:, 1] - logits[:, 0]).numpy()
    cached = CachedPredictions(work, "float32")
    for _ in range(2):  # the second time the prompts are known
        np.testing.assert_allclose(cached(0), expected, atol=1e-5)
    paths = write_files(tmp_path, 4)
    ours = FilePredictions(work, paths, "float32")(0)
    found = plain_file_predictions(work, paths)
    np.testing.assert_allclose(ours, found.numpy(), atol=1e-5)
    assert log_mel(load_audio(paths[0])).std() > 0.01


def test_a_miniature_run_has_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[str] = []
    plan = Plan(rounds=1, steps=1, predicted=16, loss_steps=1, memory=False, size=SMALL)
    result = bench(plan, heard.append)
    assert {row.work for row in result.speeds} == set(TARGETS)
    assert all(row.ours > 0 and row.plain > 0 for row in result.speeds)
    assert result.agreement.logit < 1e-5
    assert result.agreement.loss < 1e-4
    training = [row for row in result.speeds if row.work == "training step"]
    assert all(
        row.positions is not None and 64 < row.positions < result.plain_positions
        for row in training
    )
    assert heard[0].startswith("audio tokens")
    json.dumps(plain(result))
    _print(result)
    assert "prediction from files" in capsys.readouterr().out


def test_a_ratio_compares_within_rounds() -> None:
    assert ratio([4.0, 8.0, 40.0], [1.0, 2.0, 10.0]) == 4
    calls: list[tuple[str, int]] = []
    times = alternating(
        {"a": lambda n: calls.append(("a", n)), "b": lambda n: calls.append(("b", n))}, 2
    )
    assert calls == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert {name: len(found) for name, found in times.items()} == {"a": 2, "b": 2}


def test_a_failing_memory_process_says_why() -> None:
    with pytest.raises(RespllmError, match="failed"):
        peak_bytes("respllm.no_such_module")

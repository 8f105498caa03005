"""`respllm bench`: everything against the plain recipe, in one process and one run."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch

from respllm.batching import alike_batches, mixed_batches
from respllm.benchmarks.plain import plain_answers
from respllm.benchmarks.positions import Texts, mean_positions
from respllm.benchmarks.predicting import (
    CachedPredictions,
    FilePredictions,
    plain_file_predictions,
    write_files,
)
from respllm.benchmarks.results import Agreement, BenchResult, Memory, Speed
from respllm.benchmarks.timing import alternating, matmul_peak, peak_bytes, ratio, seconds
from respllm.benchmarks.training import largest_loss_difference, our_epoch, plain_epoch
from respllm.benchmarks.workload import BATCH, RandomOperaCT, Size, Workload
from respllm.models.respllm import AUDIO_POSITIONS
from respllm.types import Precision

ENCODER_FLOPS = 11.8e9
"""HTS-AT on one clip, by torch.utils.flop_counter."""
PREDICTED_AT_ONCE = 32

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: of each kind of work, after one that warms up.
        steps: training steps of a round.
        predicted: examples predicted in a round; a multiple of 16.
        loss_steps: steps over which losses are compared.
        memory: whether peak memory is measured, in processes of their own.
        size: of the language model.
    """

    rounds: int = 3
    steps: int = 2
    predicted: int = 64
    loss_steps: int = 50
    memory: bool = True
    size: Size = field(default_factory=Size)


QUICK = Plan(rounds=1, steps=1, predicted=32, loss_steps=2, memory=False)


def bench(plan: Plan, tell: Tell = lambda _: None) -> BenchResult:
    """Measure training, an epoch, prediction, agreement and memory.

    Args:
        tell: hears what is measured next.
    """
    precisions = available_precisions()
    work = Workload(max(BATCH * plan.loss_steps, plan.predicted, 4 * BATCH), plan.size)
    tell("audio tokens and the matrix-product peak")
    encoding = {p: _encoding(work, p) for p in precisions}
    peaks = {p: matmul_peak(getattr(torch, p)) for p in precisions}
    speeds: list[Speed] = []
    tell("training steps")
    speeds += _training(work, plan, precisions, peaks)
    tell("an epoch with its validation")
    speeds += _epoch(work, plan, precisions)
    predicted = Workload(plan.predicted, plan.size)
    tell("prediction from cached tokens")
    speeds += _cached(predicted, plan, precisions, peaks)
    tell("prediction from files")
    speeds += _files(predicted, plan, precisions, peaks)
    tell(f"agreement over {plan.loss_steps} training steps")
    agreement = _agreement(work, plan, precisions)
    memory = None
    if plan.memory:
        tell("peak memory")
        memory = _memory(precisions)
    return BenchResult(
        machine(),
        torch.get_num_threads(),
        peaks,
        _plain_positions(work),
        ENCODER_FLOPS,
        tuple(speeds),
        encoding,
        agreement,
        memory,
    )


def available_precisions() -> tuple[Precision, ...]:
    """Those that the processor computes in itself."""
    return ("float32", "bfloat16") if torch.cpu._is_avx512_bf16_supported() else ("float32",)


def machine() -> str:
    """The processor as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, torch {torch.__version__}"


def _encoding(work: Workload, precision: Precision) -> float:
    encoder = RandomOperaCT(precision)
    mels = work.mels[: 2 * BATCH]
    encoder.tokens(mels[:BATCH])
    return len(mels) / min(seconds(lambda: encoder.tokens(mels)) for _ in range(2))


def _training(
    work: Workload, plan: Plan, precisions: Sequence[Precision], peaks: dict[Precision, float]
) -> list[Speed]:
    size = plan.steps * BATCH
    samples, examples, nobody = work.samples(0, size), work.set(0, size), work.set(0, 0)
    plain = work.trained_model("float32")
    models = {p: work.trained_model(p) for p in precisions}
    ways: dict[str, Callable[[int], object]] = {
        "plain": lambda _: plain_epoch(plain, work.network, samples, None)
    }
    for p in precisions:
        ways[p] = lambda _, p=p: our_epoch(models[p], examples, nobody, p)  # type: ignore[misc]
    times = alternating(ways, plan.rounds)
    order = mixed_batches(size, BATCH, 0, 0)
    positions = mean_positions([(s.prompt, s.dms) for s in samples], order)
    # The forward pass and the gradient of activations; frozen weights need no gradient.
    flops = 2 * work.forward_flops(positions)
    rows = _speeds("training step", precisions, times, size)
    return [_counted(row, flops, peaks, positions) for row in rows]


def _epoch(work: Workload, plan: Plan, precisions: Sequence[Precision]) -> list[Speed]:
    """Three training batches and one of validation, as large a share as in the paper."""
    size = 3 * BATCH
    samples, others = work.samples(0, size), work.samples(size, size + BATCH)
    examples, validation = work.set(0, size), work.set(size, size + BATCH)
    plain = work.trained_model("float32")
    models = {p: work.trained_model(p) for p in precisions}
    ways: dict[str, Callable[[int], object]] = {
        "plain": lambda _: plain_epoch(plain, work.network, samples, others)
    }
    for p in precisions:
        ways[p] = lambda _, p=p: our_epoch(models[p], examples, validation, p)  # type: ignore[misc]
    times = alternating(ways, max(1, plan.rounds - 1))
    return _speeds("epoch with validation", precisions, times, size)


def _cached(
    work: Workload, plan: Plan, precisions: Sequence[Precision], peaks: dict[Precision, float]
) -> list[Speed]:
    samples, size = work.samples(), len(work.asked)

    def plain(_: int) -> None:
        for first in range(0, size, BATCH):
            plain_answers(work.model, work.network, samples[first : first + BATCH])

    ways: dict[str, Callable[[int], object]] = {"plain": plain}
    ways |= {p: CachedPredictions(work, p) for p in precisions}
    times = alternating(ways, plan.rounds)
    texts = [(sample.prompt, sample.dms) for sample in samples]
    order = alike_batches(texts, PREDICTED_AT_ONCE)
    positions = mean_positions(texts, order, prompts_kept=True)
    rows = _speeds("prediction from cached tokens", precisions, times, size)
    return [_counted(row, work.forward_flops(positions), peaks, positions) for row in rows]


def _files(
    work: Workload, plan: Plan, precisions: Sequence[Precision], peaks: dict[Precision, float]
) -> list[Speed]:
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(Path(folder), len(work.asked))
        ways: dict[str, Callable[[int], object]] = {
            "plain": lambda _: plain_file_predictions(work, paths)
        }
        ways |= {p: FilePredictions(work, paths, p) for p in precisions}
        times = alternating(ways, plan.rounds)
    # One question, so one prompt, which is kept.
    texts: list[Texts] = [([], work.tokenizer.dms_ids(e.dms_text)) for e in work.asked]
    positions = mean_positions(texts, [range(len(texts))], prompts_kept=True)
    flops = ENCODER_FLOPS + work.forward_flops(positions)
    rows = _speeds("prediction from files", precisions, times, len(paths))
    return [_counted(row, flops, peaks) for row in rows]


def _counted(
    row: Speed, flops: float, peaks: dict[Precision, float], positions: float | None = None
) -> Speed:
    """Beside the machine's peak; flops: of one example."""
    reached = flops * row.ours / peaks[row.precision]
    return replace(row, positions=positions, peak_share=reached, limit=row.times / reached)


def _speeds(
    name: str, precisions: Sequence[Precision], times: dict[str, list[float]], size: int
) -> list[Speed]:
    return [
        Speed(
            name,
            p,
            size / median(times["plain"]),
            size / median(times[p]),
            ratio(times["plain"], times[p]),
        )
        for p in precisions
    ]


def _plain_positions(work: Workload) -> float:
    samples = work.samples()
    batches = [samples[i : i + BATCH] for i in range(0, len(samples), BATCH)]
    longest = [
        max(len(s.prompt) for s in b) + max(len(s.dms) for s in b) + AUDIO_POSITIONS
        for b in batches
    ]
    return float(np.mean(longest))


@torch.no_grad()
def _agreement(work: Workload, plan: Plan, precisions: Sequence[Precision]) -> Agreement:
    samples = work.samples(0, 4 * BATCH)
    plain = torch.cat(
        [
            plain_answers(work.model, work.network, samples[first : first + BATCH])
            for first in range(0, len(samples), BATCH)
        ]
    )
    batches = [work.set().batch(range(i, i + BATCH)) for i in range(0, len(samples), BATCH)]
    differences = {}
    for precision in precisions:
        model = work.trained_model(precision).eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            ours = torch.cat([model(batch) for batch in batches])
        differences[precision] = float((ours - plain).abs().max())
    with torch.enable_grad():
        loss = largest_loss_difference(work, plan.loss_steps)
    return Agreement(differences["float32"], loss, plan.loss_steps, differences.get("bfloat16"))


def _memory(precisions: Sequence[Precision]) -> Memory:
    found = {way: peak_bytes("respllm.benchmarks.memory", way) for way in ("plain", *precisions)}
    return Memory(found["plain"], found["float32"], found.get("bfloat16"))

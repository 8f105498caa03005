"""A GPU measured: a Llama of 8 billion random weights trained by the project's loop, and asked.

In bfloat16 and in 4 bits, from audio tokens as a cache would give them. Also runs on a processor
with a small model, which tests it; memory is then not measured.

FLOP are counted for the language model's matrices alone: 4 for a weight and a position in training
(forward, and the gradient of activations; frozen weights need none), 2 in prediction. Adapters
would add 0.1%. The last block's feed-forward part, which is left out for texts, is counted: 1%.
"""

from __future__ import annotations

import gc
import importlib.util
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from accelerate import Accelerator

from respllm.batching import ExampleSet, alike_batches, mixed_batches
from respllm.benchmarks.bench import PREDICTED_AT_ONCE, machine
from respllm.benchmarks.gpu_model import matrix_parameters, random_model
from respllm.benchmarks.gpu_results import (
    GpuPlan,
    GpuResult,
    GpuRow,
    Weights,
)
from respllm.benchmarks.positions import mean_positions
from respllm.benchmarks.training import SEED, settings
from respllm.benchmarks.workload import BATCH, questions, tokenizer
from respllm.encoders.opera_ct import OperaCT
from respllm.errors import RespllmError
from respllm.models import PromptMemory, RespLLM, for_inference, predict_logits
from respllm.models.respllm import AUDIO_POSITIONS
from respllm.training.determinism import deterministic
from respllm.training.loop import OutOfMemoryError, optimise
from respllm.training.observing import Silent
from respllm.training.state import Progress

PRODUCTS = 8
"""Matrix products that are timed together, so that starting one costs nothing."""


@dataclass
class _Clock(Silent):
    """An observer that notes when each step had ended on the device."""

    device: torch.device
    ends: list[float] = field(default_factory=list)

    def step(self, progress: Progress, total: int, loss: float, rate: float) -> None:
        """Note it."""
        _finish(self.device)
        self.ends.append(time.perf_counter())

    def halved(self, progress: Progress, batch_size: int) -> None:
        """Begin anew: all steps that count are to compute as many examples at once."""
        raise torch.OutOfMemoryError


# The setting of CUDA's matrix library is read at its first product, so it is made before.
@deterministic()
def measure_gpu(
    plan: GpuPlan, device: str = "cuda", tell: Callable[[str], None] = lambda _: None
) -> GpuResult:
    """Measure training and prediction with weights in bfloat16 and in 4 bits.

    Args:
        device: "cuda", or "cpu" to try it out.
        tell: hears what is measured next.

    Raises:
        RespllmError: no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise RespllmError(
            "No NVIDIA GPU is visible",
            next_step="run where `nvidia-smi` shows one, or try it out with --device cpu",
        )
    chosen = torch.device(device)
    tell("the matrix-product peak")
    peak = _matrix_peak(plan.peak_size, chosen)
    rows, left_out = [], []
    forms: tuple[Weights, ...] = ("bfloat16", "nf4")
    for weights in forms:
        reason = _unavailable(weights, chosen)
        if reason is None:
            tell(f"{weights} weights")
            try:
                rows.append(_measured(plan, weights, chosen, peak))
            except (torch.OutOfMemoryError, OutOfMemoryError):
                reason = "the GPU's memory does not hold it"
        if reason is not None:
            left_out.append(f"{weights}: {reason}")
        _forget(chosen)
    return GpuResult(
        _name(chosen), plan.size, matrix_parameters(plan.size), peak, tuple(rows), tuple(left_out)
    )


def _measured(plan: GpuPlan, weights: Weights, device: torch.device, peak: float) -> GpuRow:
    flops = 2 * matrix_parameters(plan.size)
    words = tokenizer()
    trained = questions(BATCH * (plan.warm_up + plan.steps))
    asked = questions(plan.predicted)
    draw = np.random.default_rng(0)
    shape = (max(len(trained), len(asked)), AUDIO_POSITIONS, OperaCT.width)
    tokens = draw.standard_normal(shape, np.float32)
    sets = [ExampleSet(some, lambda rows: tokens[list(rows)], words) for some in (trained, asked)]
    learned, told = sets
    model = random_model(plan.size, weights, device)

    _forget(device)
    seconds, micro = _trained(model, learned, plan, device)
    training_bytes = _peak_bytes(device)
    samples = BATCH * plan.steps / seconds
    batches = [
        rows[first : first + micro].tolist()
        for rows in mixed_batches(len(learned), BATCH, SEED, 0)[plan.warm_up :]
        for first in range(0, len(rows), micro)
    ]
    texts = [(words.prompt_ids(e.prompt_text), words.dms_ids(e.dms_text)) for e in trained]
    positions = mean_positions(texts, batches)

    validated = len(told) / _second_seconds(lambda: predict_logits(model, told, bf16=True), device)
    for_inference(model, "bfloat16")
    memory = PromptMemory()
    _forget(device)
    asking = _second_seconds(lambda: predict_logits(model, told, bf16=True, memory=memory), device)
    records = len(told) / asking
    keys = [told.sort_key(i) for i in range(len(told))]
    order = alike_batches(keys, PREDICTED_AT_ONCE)
    asked_positions = mean_positions(keys, order, prompts_kept=True)
    return GpuRow(
        weights=weights,
        micro_batch=micro,
        samples=samples,
        positions=positions,
        peak_share=2 * flops * positions * samples / peak,
        training_bytes=training_bytes,
        validated=validated,
        asked=records,
        asked_positions=asked_positions,
        asked_peak_share=flops * asked_positions * records / peak,
        asking_bytes=_peak_bytes(device),
    )


def _trained(
    model: RespLLM, learned: ExampleSet, plan: GpuPlan, device: torch.device
) -> tuple[float, int]:
    """Seconds of the steps that count, and how many examples were computed at once.

    Raises:
        OutOfMemoryError: of the GPU, one example at a time.
    """
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    nobody = ExampleSet(
        [], lambda _: np.zeros((0, AUDIO_POSITIONS, OperaCT.width), np.float32), tokenizer()
    )
    micro = BATCH
    while True:
        clock = _Clock(device)
        config = settings("bfloat16").model_copy(update={"micro_batch_size": micro})
        accelerator = Accelerator(cpu=device.type == "cpu")
        try:
            optimise(model, learned, nobody, config, SEED, accelerator, clock)
        except (torch.OutOfMemoryError, OutOfMemoryError):
            if micro == 1:
                raise
        else:
            return clock.ends[-1] - clock.ends[plan.warm_up - 1], micro
        # Here the error, which holds on to what was computed, is gone.
        micro //= 2
        model.zero_grad()
        _forget(device)


def _matrix_peak(size: int, device: torch.device) -> float:
    """FLOP/s of a bfloat16 matrix product, the best of eight series."""
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    out = torch.empty_like(a)

    def series() -> None:
        for _ in range(PRODUCTS):
            torch.mm(a, a, out=out)

    return 2 * size**3 * PRODUCTS / min(_seconds(series, device) for _ in range(8))


def _second_seconds(work: Callable[[], object], device: torch.device) -> float:
    """How long a piece of work takes after it was done once."""
    work()
    return _seconds(work, device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    _finish(device)
    begun = time.perf_counter()
    work()
    _finish(device)
    return time.perf_counter() - begun


def _finish(device: torch.device) -> None:
    """A GPU works on after it was told to; wait for it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _forget(device: torch.device) -> None:
    """Give back memory that nothing holds, and forget its peak so far."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _peak_bytes(device: torch.device) -> int | None:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def _unavailable(weights: Weights, device: torch.device) -> str | None:
    """Why weights cannot be had in this form; None: they can."""
    if weights == "bfloat16":
        return None
    if device.type != "cuda":
        return "needs an NVIDIA GPU"
    if importlib.util.find_spec("bitsandbytes") is None:
        return "bitsandbytes is not installed (pip install 'respllm[gpu]')"
    return None


def _name(device: torch.device) -> str:
    if device.type == "cpu":
        return machine()
    facts = torch.cuda.get_device_properties(device)
    memory = f"{facts.total_memory / 2**30:.0f} GiB"
    return f"{facts.name}, {memory}, torch {torch.__version__}, CUDA {torch.version.cuda}"

"""What a GPU's measurement is, as typed rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from respllm.benchmarks.workload import Size

Weights = Literal["bfloat16", "nf4"]

LLAMA3_8B = Size(4096, 14_336, 32, 32, kv_heads=8, vocabulary=128_256)
"""7.5 billion weights: without the word head, which is not used."""
TINY = Size(64, 128, 2, 4, kv_heads=2, vocabulary=1_000)

AIM = 0.45
"""Share of the measured matrix peak that training in bfloat16 is to reach."""
SAMPLES = 10_900
"""The paper trains on about so many."""
EPOCHS = 3
VALIDATED = SAMPLES // 3
"""People held out for validation give about a third as many samples as training (Table 1)."""


@dataclass(frozen=True, slots=True)
class GpuPlan:
    """How much is measured.

    Attributes:
        size: of the language model.
        warm_up: training steps before those that count.
        steps: training steps that count.
        predicted: examples that are asked.
        peak_size: rows and columns of the matrices whose product is the peak.
    """

    size: Size = LLAMA3_8B
    warm_up: int = 4
    steps: int = 20
    predicted: int = 512
    peak_size: int = 8_192


MINIATURE = GpuPlan(TINY, warm_up=1, steps=2, predicted=32, peak_size=256)


@dataclass(frozen=True, slots=True)
class GpuRow:
    """What was measured with the language model's weights in one form.

    Attributes:
        weights: "nf4": 4 bits with double quantisation, computed in bfloat16.
        micro_batch: examples of a batch of 16 that were trained on at once: as many as fit.
        samples: a second, trained.
        positions: of the language model for a trained sample; prompts of a batch count once.
        peak_share: of the measured matrix peak, reached in training.
        training_bytes: peak of the GPU's memory in training, weights included; None: no GPU.
        validated: samples a second, between epochs, with the weights that are trained.
        asked: records a second, from kept audio tokens with kept prompts.
        asked_positions: of the language model for a record; prompts are kept and count nothing.
        asked_peak_share: of the measured matrix peak, reached in prediction.
        asking_bytes: peak of the GPU's memory in prediction; None: no GPU.
    """

    weights: Weights
    micro_batch: int
    samples: float
    positions: float
    peak_share: float
    training_bytes: int | None
    validated: float
    asked: float
    asked_positions: float
    asked_peak_share: float
    asking_bytes: int | None

    @property
    def positions_a_second(self) -> float:
        """In training."""
        return self.samples * self.positions

    @property
    def schedule_seconds(self) -> float:
        """The paper's whole schedule, audio tokens at hand: three epochs, each validated."""
        return EPOCHS * (SAMPLES / self.samples + VALIDATED / self.validated)


@dataclass(frozen=True, slots=True)
class GpuResult:
    """Everything one run measured.

    Attributes:
        device: its name, and what it computes with.
        size: of the language model.
        matrix_parameters: weights that a position is multiplied with.
        matrix_peak: FLOP/s of a large bfloat16 matrix product.
        rows: by form of weights.
        left_out: what was not measured, and why.
    """

    device: str
    size: Size
    matrix_parameters: int
    matrix_peak: float
    rows: tuple[GpuRow, ...]
    left_out: tuple[str, ...]

"""What the benchmark measures, as typed rows."""

from __future__ import annotations

from dataclasses import dataclass

from respllm.types import Precision

TARGETS: dict[str, dict[Precision, float]] = {
    "training step": {"float32": 3.0, "bfloat16": 6.0},
    "epoch with validation": {"float32": 5.0, "bfloat16": 10.0},
    "prediction from files": {"float32": 1.7, "bfloat16": 4.0},
    "prediction from cached tokens": {"float32": 5.0, "bfloat16": 15.0},
}
"""How many times the plain recipe's rate is aimed at (docs/performance.md)."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One kind of work, ours against the plain recipe.

    Attributes:
        work: what is done; a key of `TARGETS`, or without an aim.
        precision: what ours computes in; the plain recipe computes in float32.
        plain, ours: examples a second, medians over rounds.
        times: how many times faster ours is, the median over rounds of one round's ratio.
        positions: positions the language model computes for an example; None: not counted.
        peak_share: share of the machine's matrix-product peak in this precision that ours reaches;
            None: not counted.
        limit: how many times faster it could be if every counted operation ran at that peak and
            nothing else took time; None: not counted.
    """

    work: str
    precision: Precision
    plain: float
    ours: float
    times: float
    positions: float | None = None
    peak_share: float | None = None
    limit: float | None = None

    @property
    def aim(self) -> float | None:
        """The ratio that is aimed at."""
        return TARGETS.get(self.work, {}).get(self.precision)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far ours is from the plain forward pass with a correct mask, in float32.

    Attributes:
        logit: largest absolute difference of a logit.
        loss: largest absolute difference of a loss over `steps` training steps.
        bfloat16_logit: largest absolute difference of a logit in bfloat16; None without it.
    """

    logit: float
    loss: float
    steps: int
    bfloat16_logit: float | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak bytes of a process that makes two training steps; ours also encodes their audio."""

    plain: int
    float32: int
    bfloat16: int | None


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Everything one run measured.

    Attributes:
        machine: processor, and what it computes with.
        threads: of a matrix product.
        peaks: FLOP/s of a large matrix product, by precision.
        plain_positions: positions the plain recipe computes for an example.
        encoder_flops: of one clip in OPERA-CT's network.
        speeds: rows.
        encoding: clips a second of ours, by precision: what a cold cache adds to the first epoch.
        memory: None if it was not measured.
    """

    machine: str
    threads: int
    peaks: dict[Precision, float]
    plain_positions: float
    encoder_flops: float
    speeds: tuple[Speed, ...]
    encoding: dict[Precision, float]
    agreement: Agreement
    memory: Memory | None

"""The published optimisation of the baselines, to compare with ours."""

from __future__ import annotations

from respllm.config import BaselineSettings, TrainingConfig


def published_settings() -> BaselineSettings:
    """Adam 1e-4, batch 64, 10 epochs, the whole encoder trained, one output (paper 4.2, its code).

    The best epoch on validation people is kept; the published code keeps the last.
    """
    published = TrainingConfig(
        epochs=10,
        batch_size=64,
        learning_rate=1e-4,
        optimizer="adam",
        schedule="constant",
        warmup_fraction=0.0,
        gradient_clip=None,
        balance="none",
        patience=None,
    )
    return BaselineSettings(
        text="bert", readout="task-blind", training=published, fine_tuning=published
    )

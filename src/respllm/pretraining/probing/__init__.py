"""Linear probes: what a simple model can read from an encoder's tokens."""

from respllm.pretraining.probing.comparing import (
    BASELINES,
    ProbeResult,
    ProbeRow,
    Versus,
    open_encoder,
    probe,
)

__all__ = ["BASELINES", "ProbeResult", "ProbeRow", "Versus", "open_encoder", "probe"]

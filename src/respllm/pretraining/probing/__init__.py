"""Linear probes: what a simple model can read from an encoder's tokens."""

from respllm.pretraining.probing.comparing import encoder_folder, open_encoder, probe
from respllm.pretraining.probing.results import (
    BASELINES,
    LOG_MEL,
    CurvePoint,
    ProbeResult,
    ProbeRow,
    Versus,
)

__all__ = [
    "BASELINES",
    "LOG_MEL",
    "CurvePoint",
    "ProbeResult",
    "ProbeRow",
    "Versus",
    "encoder_folder",
    "open_encoder",
    "probe",
]

"""The encoder without weights: a token is a patch of the log-mel itself."""

from __future__ import annotations

from torch import Tensor

from respllm.audio.frontend import FRONTEND, N_FRAMES, N_MELS
from respllm.encoders.base import N_TOKENS, AudioEncoder

FRAMES_PER_TOKEN = N_FRAMES // N_TOKENS  # 4 frames of 32 ms


class MelPatch(AudioEncoder):
    """64 tokens, each 4 frames x 64 bands laid end to end: A = 256."""

    name = "mel-patch"
    identity = f"mel-patch-{FRONTEND}"
    width = FRAMES_PER_TOKEN * N_MELS

    def __init__(self) -> None:
        super().__init__()
        self.freeze()

    def _encode(self, mel: Tensor) -> Tensor:
        return mel.reshape(len(mel), N_TOKENS, self.width)

"""A checkpoint file in OPERA-CT's layout, filled by a fixed rule instead of training.

The rule is the one that the parity numbers were computed with, so that both agree.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

PREFIX = "encoder.encoder.htsat."
WIDTH, DEPTHS, HEADS = 96, (2, 2, 6, 2), (4, 8, 16, 32)
Layout = Iterator[tuple[str, tuple[int, ...], str]]


def layout() -> Layout:
    """Every key of a real OPERA-CT checkpoint, its shape and data type."""
    for key, shape, dtype in _htsat():
        yield PREFIX + key, shape, dtype
    yield from _linear("g", 512, 768)
    yield from _norm("layer_norm", 512)
    yield "linear.weight", (512, 512), "float32"


def _htsat() -> Layout:
    yield "spectrogram_extractor.stft.conv_real.weight", (513, 1, 1024), "float32"
    yield "spectrogram_extractor.stft.conv_imag.weight", (513, 1, 1024), "float32"
    yield "logmel_extractor.melW", (513, 64), "float32"
    yield from _norm("bn0", 64)
    yield "bn0.running_mean", (64,), "float32"
    yield "bn0.running_var", (64,), "float32"
    yield "bn0.num_batches_tracked", (), "int64"
    yield "patch_embed.proj.weight", (WIDTH, 1, 4, 4), "float32"
    yield "patch_embed.proj.bias", (WIDTH,), "float32"
    yield from _norm("patch_embed.norm", WIDTH)
    for stage, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
        width, windows = WIDTH * 2**stage, (8 // 2**stage) ** 2
        for block in range(depth):
            name = f"layers.{stage}.blocks.{block}"
            if block % 2 and windows > 1:
                yield f"{name}.attn_mask", (windows, 64, 64), "float32"
            yield from _norm(f"{name}.norm1", width)
            yield f"{name}.attn.relative_position_bias_table", (225, heads), "float32"
            yield f"{name}.attn.relative_position_index", (64, 64), "int64"
            yield from _linear(f"{name}.attn.qkv", 3 * width, width)
            yield from _linear(f"{name}.attn.proj", width, width)
            yield from _norm(f"{name}.norm2", width)
            yield from _linear(f"{name}.mlp.fc1", 4 * width, width)
            yield from _linear(f"{name}.mlp.fc2", width, 4 * width)
        if stage + 1 < len(DEPTHS):
            yield f"layers.{stage}.downsample.reduction.weight", (2 * width, 4 * width), "float32"
            yield from _norm(f"layers.{stage}.downsample.norm", 4 * width)
    yield from _norm("norm", 768)
    yield "tscam_conv.weight", (527, 768, 2, 3), "float32"
    yield "tscam_conv.bias", (527,), "float32"
    yield from _linear("head", 527, 527)


def _linear(name: str, out: int, size: int) -> Layout:
    yield f"{name}.weight", (out, size), "float32"
    yield f"{name}.bias", (out,), "float32"


def _norm(name: str, size: int) -> Layout:
    yield f"{name}.weight", (size,), "float32"
    yield f"{name}.bias", (size,), "float32"


NOT_FILLED = (
    "spectrogram_extractor",
    "logmel_extractor",
    "attn_mask",
    "relative_position_index",
    "num_batches_tracked",
)


def filled(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    z = np.random.RandomState(zlib.crc32(key.encode()) & 0xFFFFFFFF).standard_normal(shape)
    if key.endswith("running_var"):
        z = 1 + 0.1 * np.abs(z)
    elif key.endswith("running_mean"):
        z = 0.1 * z
    elif key.endswith("relative_position_bias_table"):
        z = 0.5 * z
    elif len(shape) == 1:
        z = 1 + 0.1 * z if key.endswith(".weight") else 0.02 * z
    else:
        z = z / math.sqrt(math.prod(shape[1:]))
    return torch.from_numpy(z.astype(np.float32))


def state_dict() -> dict[str, torch.Tensor]:
    """What is not filled must not matter to the encoder, so it is zero here."""
    return {
        key: torch.zeros(shape, dtype=getattr(torch, dtype))
        if any(name in key for name in NOT_FILLED)
        else filled(key, shape)
        for key, shape, dtype in layout()
    }


def write(path: Path, state: dict[str, torch.Tensor], **more: Any) -> Path:
    content = {"state_dict": state, "hyper_parameters": {"encoder": "htsat"}, "epoch": 3}
    torch.save({**content, **more}, path)
    return path

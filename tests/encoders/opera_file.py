"""A checkpoint file in OPERA-CT's layout, filled by a fixed rule instead of training.

The rule is the one that the parity numbers were computed with, so that both agree.
"""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch


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


def state_dict(parity: Path) -> dict[str, torch.Tensor]:
    rows = json.loads((parity / "state_dict_keys.json").read_text())
    state = {}
    for key, shape, dtype, kind in rows:
        # What is marked "fixed" must not matter, so it is nonsense here.
        state[key] = (
            filled(key, tuple(shape))
            if kind == "filled"
            else torch.zeros(shape, dtype=getattr(torch, dtype))
        )
    return state


def write(path: Path, state: dict[str, torch.Tensor], **more: Any) -> Path:
    torch.save({"state_dict": state, "hyper_parameters": {"encoder": "htsat"}, **more}, path)
    return path

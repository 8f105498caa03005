"""What a model's training recordings sounded like, kept beside its weights.

`reference.safetensors`: the mean audio tokens of the training clips, which stand for a neutral
sound, and what it takes to say how unlike them a recording is. It names nobody.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from respllm.errors import CheckpointError
from respllm.models.familiar import Familiar

REFERENCE = "reference.safetensors"
FORMAT_VERSION = 1
ABOUT = "respllm"


@dataclass(frozen=True, slots=True)
class Reference:
    """Of the training recordings.

    Attributes:
        mean_tokens: (64, A) float32, the mean over training clips at each position.
        familiar: None where validation people were too few to set its scale.
    """

    mean_tokens: np.ndarray
    familiar: Familiar | None

    def save(self, folder: Path, weights_sha256: str) -> None:
        """Write it beside the weights it belongs to; the file is whole or not there."""
        tensors = {"mean_tokens": np.ascontiguousarray(self.mean_tokens, np.float32)}
        if self.familiar is not None:
            tensors |= {
                f"familiar.{field.name}": np.ascontiguousarray(getattr(self.familiar, field.name))
                for field in fields(self.familiar)
            }
        about = {
            "format_version": FORMAT_VERSION,
            "model": weights_sha256,
            "sha256": _digest(tensors),
        }
        new = folder / f"{REFERENCE}.new"
        # In one entry: of several, safetensors writes now this, now that one first.
        save_file(tensors, new, {ABOUT: json.dumps(about)})
        os.replace(new, folder / REFERENCE)


def read_reference(folder: Path, weights_sha256: str, audio_width: int) -> Reference | None:
    """Read what was kept beside a model's weights; None if nothing was.

    Raises:
        CheckpointError: damaged, of another model, or of another format.
    """
    path = folder / REFERENCE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "np") as file:
            about = json.loads((file.metadata() or {})[ABOUT])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise _unusable(path, "it cannot be read") from error
    if not isinstance(about, dict) or about.get("format_version") != FORMAT_VERSION:
        raise _unusable(path, "its format version is not known")
    if about.get("sha256") != _digest(tensors):
        raise _unusable(path, "it is not what was saved")
    if about.get("model") != weights_sha256:
        raise _unusable(path, "it belongs to other weights")
    mean = tensors.pop("mean_tokens", np.zeros(0))
    if mean.ndim != 2 or mean.shape[1] != audio_width:
        raise _unusable(path, f"its sound has shape {mean.shape}")
    if not tensors:
        return Reference(mean, None)
    try:
        return Reference(mean, Familiar(**{f.name: tensors[f"familiar.{f.name}"] for f in _PARTS}))
    except KeyError as error:
        raise _unusable(path, f"{error} is missing") from error


_PARTS = fields(Familiar)


def _digest(tensors: Mapping[str, np.ndarray]) -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        one = tensors[name]
        found.update(f"{name} {one.dtype} {one.shape}\n".encode())
        found.update(np.ascontiguousarray(one).tobytes())
    return found.hexdigest()


def _unusable(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"What the training recordings sounded like cannot be used: {why}",
        where=str(path),
        expected="the file that was saved with the weights beside it",
        next_step="copy the model's folder again, or delete this file to do without it",
    )

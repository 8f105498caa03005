"""An HTS-AT that was pretrained here, on disk: safetensors beside a JSON that describes it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from respllm.audio.frontend import FRONTEND
from respllm.encoders.architectures import ARCHITECTURES, Architecture
from respllm.errors import CheckpointError, unknown_name

FORMAT_VERSION = 1
WEIGHTS = "encoder.safetensors"
DESCRIPTION = "encoder.json"
LEARNED = "learned.json"
"""Whom the encoder heard, as hashes (`respllm.tasks.Learned`); beside the weights."""

_DERIVED = ("relative_position_index", "num_batches_tracked")


@dataclass(frozen=True, slots=True)
class HtsatCheckpoint:
    """What a checkpoint holds.

    Attributes:
        folder: with `encoder.safetensors` and `encoder.json`.
        sha256: of the weights' bytes.
        architecture: whose weights they are.
        made: how they were made (data, objectives, seed, curves), as it was written down.
    """

    folder: Path
    sha256: str
    architecture: Architecture
    made: Mapping[str, Any]


def save(
    folder: Path, architecture: Architecture, state: Mapping[str, Tensor], made: Mapping[str, Any]
) -> str:
    """Write a network's state in half precision, and its description.

    Weights of this size keep three digits in float16, and tokens change by less than recordings
    do; the file is half as large. The description, written last, names the weights' hash.

    Returns:
        the SHA-256 of the weights' file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in state.items()
        if not name.endswith(_DERIVED)
    }
    new = folder / (WEIGHTS + ".new")
    save_file(tensors, new)
    sha256 = _sha256(new)
    os.replace(new, folder / WEIGHTS)
    content = {
        "format_version": FORMAT_VERSION,
        "frontend": FRONTEND,
        "architecture": architecture.name,
        "weights_sha256": sha256,
        "made": dict(made),
    }
    description = folder / (DESCRIPTION + ".new")
    description.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(description, folder / DESCRIPTION)
    return sha256


def describe(path: Path) -> HtsatCheckpoint:
    """What a folder, or the weights' file in it, says it holds; the bytes are checked.

    Raises:
        CheckpointError: no such checkpoint, another format or front-end, other bytes.
    """
    folder = path.parent if path.name == WEIGHTS else path
    description = folder / DESCRIPTION
    try:
        content = json.loads(description.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            "No encoder that respllm has pretrained is here",
            where=str(path),
            expected=f"a folder with {WEIGHTS} and {DESCRIPTION}",
            next_step="give the folder `encoder` that `respllm pretrain audio` wrote",
        ) from error
    if not isinstance(content, dict) or content.get("format_version") != FORMAT_VERSION:
        version = content.get("format_version") if isinstance(content, dict) else None
        raise CheckpointError(
            f"Format version {version!r} of an encoder is not known here",
            where=str(description),
            expected=f"version {FORMAT_VERSION}",
            next_step="use the respllm version that wrote it, or pretrain again",
        )
    if content.get("frontend") != FRONTEND:
        raise CheckpointError(
            f"The encoder was pretrained on the front-end {content.get('frontend')!r}",
            where=str(description),
            expected=FRONTEND,
            next_step="pretrain again",
        )
    name, made = content.get("architecture"), content.get("made")
    if not isinstance(name, str) or name not in ARCHITECTURES or not isinstance(made, dict):
        raise CheckpointError(
            unknown_name("architecture", name, ARCHITECTURES), where=str(description)
        )
    sha256 = _sha256(folder / WEIGHTS)
    if sha256 != content.get("weights_sha256"):
        raise CheckpointError(
            "The weights are not those that the description names",
            where=str(folder / WEIGHTS),
            expected=f"sha256 {content.get('weights_sha256')}",
            next_step="copy the folder again, or pretrain again",
        )
    return HtsatCheckpoint(folder, sha256, ARCHITECTURES[name], made)


def read(checkpoint: HtsatCheckpoint, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights in float32 under the names of `ClapAudioModel`, nothing missing or left over.

    Args:
        expected: the model's own state; what follows from the window size is taken from here.

    Raises:
        CheckpointError: damaged, or tensors that do not fit.
    """
    path = checkpoint.folder / WEIGHTS
    try:
        found = load_file(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(f"The weights cannot be read: {error}", where=str(path)) from error
    derived = {name: own for name, own in expected.items() if name.endswith(_DERIVED)}
    wanted = {name: own for name, own in expected.items() if name not in derived}
    problems = [f"missing {name}" for name in wanted.keys() - found.keys()]
    problems += [f"unexpected {name}" for name in found.keys() - wanted.keys()]
    for name in wanted.keys() & found.keys():
        if found[name].shape != wanted[name].shape:
            problems.append(f"{name} has the shape {tuple(found[name].shape)}")
        elif not torch.isfinite(found[name]).all():
            problems.append(f"{name} holds values that are not numbers")
    if problems:
        raise CheckpointError(
            f"The weights do not fit {checkpoint.architecture.name}: "
            f"{'; '.join(sorted(problems)[:5])}",
            where=str(path),
        )
    return {**{name: tensor.float() for name, tensor in found.items()}, **derived}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(
            f"Cannot read the weights: {error.strerror}", where=str(path)
        ) from error

"""The published OPERA-CT checkpoint: fetched, read without running code, renamed, accounted for.

Source: Y. Zhang et al., "Towards Open Respiratory Acoustic Foundation Models" (OPERA, 2024);
weights at https://huggingface.co/evelyn0414/OPERA. Key names as in a real checkpoint file.
"""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from torch import Tensor

from respllm.errors import CheckpointError

HUB_REPOSITORY = "evelyn0414/OPERA"
HUB_FILE = "encoder-operaCT.ckpt"
PREFIX = "encoder.encoder.htsat."

# What follows from the window size, and a counter that only training reads: the model has its own.
_DERIVED = ("relative_position_index", "num_batches_tracked")
# What the encoder has no use for: the contrastive head it was trained with; the waveform front-end,
# the classifiers and the attention masks of the original HTS-AT.
_DROPPED = re.compile(
    r"(?:g|layer_norm|linear)\."
    rf"|{re.escape(PREFIX)}(?:"
    r"(?:spectrogram_extractor|logmel_extractor|tscam_conv|head)\."
    rf"|.*\.(?:attn_mask|{'|'.join(_DERIVED)})$)"
)
_RENAMED = {
    "bn0.": "batch_norm.",
    ".norm1.": ".layernorm_before.",
    ".norm2.": ".layernorm_after.",
    ".attn.relative_position_bias_table": ".attention.self.relative_position_bias_table",
    ".attn.qkv.": ".attention.self.qkv.",
    ".attn.proj.": ".attention.output.dense.",
    ".mlp.fc1.": ".intermediate.dense.",
    ".mlp.fc2.": ".output.dense.",
}


@dataclass(frozen=True, slots=True)
class CheckpointReport:
    """What was found in a checkpoint file, and what became of it.

    Attributes:
        path: the file.
        sha256: of its bytes; the model hub shows the same number beside the file.
        loaded: tensors of the file that are in the encoder now.
        dropped: keys of the file that the encoder has no use for.
        parameters: numbers loaded, all of them frozen.
    """

    path: Path
    sha256: str
    loaded: int
    dropped: tuple[str, ...]
    parameters: int


def fetch() -> Path:
    """The published checkpoint in the Hugging Face cache, downloaded if it is not there.

    Raises:
        CheckpointError: it is not there and cannot be downloaded.
    """
    try:
        return Path(hf_hub_download(HUB_REPOSITORY, HUB_FILE))
    except OSError as error:  # every error of the hub and of the connection is one
        raise CheckpointError(
            f"Cannot fetch the OPERA-CT checkpoint: {' '.join(str(error).split())}",
            where=f"https://huggingface.co/{HUB_REPOSITORY} ({HUB_FILE})",
            next_step="connect to the network, or download the file elsewhere and give its path "
            "as the encoder's checkpoint; the encoder 'mel-patch' needs no weights",
        ) from error


def read(path: Path, expected: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], CheckpointReport]:
    """Read an OPERA-CT checkpoint into the names and shapes of `transformers.ClapAudioModel`.

    Args:
        path: a Lightning checkpoint, `{"state_dict": {...}, ...}`.
        expected: the model's own state; what follows from the window size is taken from here.

    Returns:
        a state for the model with nothing missing and nothing left over, and the report.

    Raises:
        CheckpointError: no such file, no checkpoint, objects in it that are no plain data, keys
            missing or unknown, or a tensor of another shape.
    """
    found = _state_dict(path)
    dropped = tuple(key for key in found if _DROPPED.match(key))
    state: dict[str, Tensor] = {}
    unknown: list[str] = []
    for key in found.keys() - set(dropped):
        named = _renamed(key, found[key])
        if named.keys() <= expected.keys():
            state.update(named)
        else:
            unknown.append(key)
    derived = {name: own for name, own in expected.items() if name.endswith(_DERIVED)}
    missing = expected.keys() - state.keys() - derived.keys()
    if missing:
        raise _misfit(path, f"{len(missing)} tensors are missing: {_some(missing)}")
    if unknown:
        raise _misfit(path, f"{len(unknown)} keys are unknown: {_some(unknown)}")
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            shapes = f"{tuple(tensor.shape)} instead of {tuple(expected[name].shape)}"
            raise _misfit(path, f"{name} has the shape {shapes}")
        if not torch.isfinite(tensor).all():
            raise _misfit(path, f"{name} holds values that are not numbers")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    parameters = sum(t.numel() for name, t in state.items() if ".running_" not in name)
    report = CheckpointReport(path, sha256, len(found) - len(dropped), dropped, parameters)
    return {**state, **derived}, report


def _state_dict(path: Path) -> Mapping[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(
            f"Cannot open the checkpoint: {error.strerror}",
            where=str(path),
            next_step="check the path",
        ) from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"The checkpoint is no plain weights file: {' '.join(str(error).split())[:300]}",
            where=str(path),
            expected="tensors and plain values only; anything else could run code on loading",
            next_step="if you trust the file, load it once elsewhere and save only its weights: "
            'torch.save({"state_dict": checkpoint["state_dict"]}, NEW_FILE)',
        ) from error
    except Exception as error:  # a damaged file makes the reader fail in any way
        raise CheckpointError(
            f"The checkpoint is damaged or no PyTorch file: {' '.join(str(error).split())[:200]}",
            where=str(path),
            next_step="download it again and compare its sha256 with the model hub's",
        ) from error
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise _misfit(path, "there is no 'state_dict' of tensors in it")
    return state


def _renamed(key: str, tensor: Tensor) -> dict[str, Tensor]:
    if not key.startswith(PREFIX):
        return {key: tensor}
    name = "audio_encoder." + key.removeprefix(PREFIX)
    for old, new in _RENAMED.items():
        name = name.replace(old, new)
    if ".qkv." not in name or len(tensor) % 3:
        return {name: tensor}
    names = [name.replace(".qkv.", f".{part}.") for part in ("query", "key", "value")]
    return dict(zip(names, tensor.chunk(3), strict=True))


def _misfit(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"Not the OPERA-CT encoder: {what}",
        where=str(path),
        expected="a Lightning checkpoint with every tensor of the encoder and no other",
        next_step=f"use {HUB_FILE} of https://huggingface.co/{HUB_REPOSITORY}",
    )


def _some(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:5]) + (", ..." if len(names) > 5 else "")

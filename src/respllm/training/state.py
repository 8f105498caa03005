"""What a killed run needs to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from respllm.errors import CheckpointError

_DIGEST = hashlib.sha256().digest_size


@dataclass(slots=True)
class Progress:
    """Where a training stands.

    Attributes:
        step: optimiser steps done.
        best: best mean validation AUROC so far; None before the first validation.
        best_step: the step it was reached at.
        waited: validations since.
        stopped: whether early stopping ended the training.
        aurocs: validation AUROC per task at the best step.
        halved: when the GPU's memory was full: the step, from 1, and how many examples each
            process computes at once since.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    stopped: bool = False
    aurocs: dict[str, float] = field(default_factory=dict)
    halved: list[tuple[int, int]] = field(default_factory=list)

    @property
    def micro_batch_size(self) -> int | None:
        """Examples computed at once since the memory was full; None: it never was."""
        return self.halved[-1][1] if self.halved else None


def save_state(
    path: Path, progress: Progress, weights: dict[str, torch.Tensor], optimizer: dict[str, Any]
) -> None:
    """Write the state so that the file is the old or the new one, never half of it.

    Its last 32 bytes are the SHA-256 of the others: torch itself does not notice false bytes.

    The order of examples and the dropout masks follow from seed and step: they need no saving.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    content = {"progress": asdict(progress), "weights": weights, "optimizer": optimizer}
    try:
        with new.open("w+b") as file:
            torch.save(content, file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0, os.SEEK_END)
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        new.unlink(missing_ok=True)
        raise CheckpointError(
            "The training state could not be written",
            where=str(path),
            expected="free space on the disk",
            next_step="free some space and go on with --resume; the state before is whole",
        ) from error
    os.replace(new, path)


def load_state(path: Path) -> tuple[Progress, dict[str, torch.Tensor], dict[str, Any]]:
    """Read a state.

    Raises:
        CheckpointError: damaged.
    """
    try:
        written = path.read_bytes()
        file, digest = memoryview(written)[:-_DIGEST], written[-_DIGEST:]
        if hashlib.sha256(file).digest() != digest:
            raise ValueError("checksum")
        content = torch.load(io.BytesIO(file), map_location="cpu", weights_only=True)
        return Progress(**content["progress"]), content["weights"], content["optimizer"]
    except Exception as error:  # a false pickle raises a dozen unrelated classes
        raise CheckpointError(
            f"The saved state is damaged ({type(error).__name__})",
            where=str(path),
            next_step="delete the run folder's `state` to start its training again",
        ) from error

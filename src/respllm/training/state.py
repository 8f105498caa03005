"""What a killed run needs to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from respllm.errors import CheckpointError

Restored = TypeVar("Restored")

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
    """Write all that the next step follows from, besides seed and step number.

    The order of examples and the dropout masks follow from those: they need no saving.
    """
    content = {"progress": asdict(progress), "weights": weights, "optimizer": optimizer}
    write_checked(path, content)


def load_state(path: Path) -> tuple[Progress, dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `save_state` wrote.

    Raises:
        CheckpointError: damaged.
    """
    return read_checked(
        path, lambda found: (Progress(**found["progress"]), found["weights"], found["optimizer"])
    )


def write_checked(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and numbers so that the file is the old or the new one, never half of it.

    Its last 32 bytes are the SHA-256 of the others: torch itself does not notice false bytes.

    Raises:
        CheckpointError: no space left, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
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


def read_checked(path: Path, restore: Callable[[dict[str, Any]], Restored]) -> Restored:
    """Read what `write_checked` wrote.

    Args:
        restore: makes of it what was written; whatever it raises means damage.

    Raises:
        CheckpointError: damaged.
    """
    try:
        written = path.read_bytes()
        file, digest = memoryview(written)[:-_DIGEST], written[-_DIGEST:]
        if hashlib.sha256(file).digest() != digest:
            raise ValueError("checksum")
        return restore(torch.load(io.BytesIO(file), map_location="cpu", weights_only=True))
    except Exception as error:  # a false pickle raises a dozen unrelated classes
        raise CheckpointError(
            f"The saved state is damaged ({type(error).__name__})",
            where=str(path),
            next_step="delete the run folder's `state` to start its training again",
        ) from error

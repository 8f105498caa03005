"""What validation people taught about a model's scores, kept beside its weights.

`calibration.json`: for each task a `Calibrator` for every unit that can be asked about, or why
there is none. It holds scores and answers of validation people, and names nobody.
"""

from __future__ import annotations

import hashlib
import json
import os
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np

from respllm.errors import CheckpointError, DataError
from respllm.evaluation import ScoredClip
from respllm.evaluation.calibrator import Calibrator, fit_calibration, why_unfit
from respllm.evaluation.gathering import choose_unit
from respllm.types import Unit

CALIBRATION = "calibration.json"
FORMAT_VERSION = 1
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True)
class KeptCalibrator:
    """A calibrator with its Venn-Abers steps, so that an answer loads no library that fits.

    Between validation scores nothing changes: `low` steps up at a score, `high` right after it.

    Attributes:
        calibrator: what they were taken from.
        scores: (n,) distinct validation scores, ascending.
        low, high: (n + 1,) of the stretches between them.
    """

    calibrator: Calibrator
    scores: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, calibrator: Calibrator) -> KeptCalibrator:
        """Ask a calibrator for all its steps."""
        scores = np.unique(calibrator.logits)
        low = calibrator.calibrate([scores[0] - 1, *scores])[1]
        high = calibrator.calibrate([*scores, scores[-1] + 1])[2]
        return cls(calibrator, *(tuple(map(float, part)) for part in (scores, low, high)))

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> KeptCalibrator:
        """From JSON; a number of steps that cannot be is a `ValueError`."""
        steps = [tuple(map(float, content[name])) for name in ("scores", "low", "high")]
        if not len(steps[0]) + 1 == len(steps[1]) == len(steps[2]):
            raise ValueError("steps")
        return cls(Calibrator.from_json(json.dumps(content["calibrator"])), *steps)

    def calibrate(self, logit: float) -> tuple[float, float, float]:
        """Calibrated probability, low and high, as `Calibrator.calibrate` gives them."""
        low = self.low[bisect_right(self.scores, logit)]
        high = max(low, self.high[bisect_left(self.scores, logit)])
        return min(max(high / (1 - low + high), low), high), low, high


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibrators by task and unit.

    Attributes:
        tasks: task id -> unit -> its calibrator; a task's labels may forbid the larger units.
        missing: task id -> why it has none.
    """

    tasks: Mapping[str, Mapping[Unit, KeptCalibrator]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def save(self, folder: Path, weights_sha256: str) -> None:
        """Write it beside the weights it belongs to; the file is whole or not there."""
        content: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "model": weights_sha256,
            "tasks": {
                task: {unit: asdict(one) for unit, one in units.items()}
                for task, units in self.tasks.items()
            },
            "missing": dict(self.missing),
        }
        content["sha256"] = _digest(content)
        new = folder / f"{CALIBRATION}.new"
        new.write_text(json.dumps(content) + "\n", encoding="utf-8")
        os.replace(new, folder / CALIBRATION)


def fit_task_calibrations(validation: Sequence[ScoredClip], tasks: Sequence[str]) -> Calibration:
    """Fit every task of `tasks` at every unit that its labels allow, on validation people alone."""
    by_task: dict[str, list[ScoredClip]] = defaultdict(list)
    for clip in validation:
        by_task[clip.task_id].append(clip)
    found: dict[str, dict[Unit, KeptCalibrator]] = {}
    missing = {}
    for task in tasks:
        clips = by_task[task]
        why = why_unfit([clip.logit for clip in clips], [clip.label for clip in clips])
        if why:
            missing[task] = why
            continue
        # A unit that the labels do not allow has no calibrator: none is ever used for another.
        allowed = UNITS[UNITS.index(choose_unit(clips)) :]
        found[task] = {unit: KeptCalibrator.of(fit_calibration(clips, unit)) for unit in allowed}
    return Calibration(found, missing)


def read_calibration(folder: Path, weights_sha256: str) -> Calibration | None:
    """Read what was kept beside a model's weights; None if nothing was.

    Raises:
        CheckpointError: damaged, of another model, or of another format.
    """
    path = folder / CALIBRATION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, sha256 = content["format_version"], content.pop("sha256")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unusable(path, "it cannot be read") from error
    if version != FORMAT_VERSION:
        raise _unusable(path, f"format version {version!r} is not known")
    if sha256 != _digest(content):
        raise _unusable(path, "it is not what was saved")
    try:
        if content["model"] != weights_sha256:
            raise _unusable(path, "it belongs to other weights")
        return Calibration(
            {
                task: {unit: KeptCalibrator.read(one) for unit, one in units.items()}
                for task, units in content["tasks"].items()
            },
            content["missing"],
        )
    except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unusable(path, "its entries are not those of a calibration") from error


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _unusable(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"The calibration cannot be used: {why}",
        where=str(path),
        expected="the file that was saved with the weights beside it",
        next_step="copy the model's folder again, or delete this file to do without it",
    )

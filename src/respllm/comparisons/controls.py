"""The controls without a neural network: single values, and scikit-learn on flat fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from respllm.audio.properties import RecordingProperties
from respllm.batching import Heard
from respllm.comparisons.entries import Entry
from respllm.comparisons.study import Study
from respllm.evaluation.trivial import STATED_VALUES
from respllm.models.tabular import TabularKind, dms_rows, fit_tabular, flat_rows
from respllm.simulation import best_logits
from respllm.tasks import Task
from respllm.tasks.selection import shown_dms
from respllm.types import Dms, Example

KINDS: dict[str, TabularKind] = {"logistic": "logistic", "trees": "trees"}
UNREADABLE = RecordingProperties(None, None, *[math.nan] * 5)
"""A clip of it could be heard, the whole cannot be measured: every value is missing."""


def posterior_control(study: Study) -> Callable[[Heard, Task], np.ndarray]:
    """The exact posterior of a simulated cohort: no model can be better on average."""
    truth = best_logits(study.data_root)

    def answer(heard: Heard, asked: Task) -> np.ndarray:
        return np.array([truth[asked.id, e.clip.record.record_id] for e in heard.examples])

    return answer


def single_control(entry: Entry, study: Study) -> Callable[[Heard, Task], np.ndarray | None]:
    """One stated value as the score; nothing is learned, so every task can be answered.

    A person who did not state it gets the median of the training people who did, so that every
    model is scored on the same recordings.

    Returns:
        What gives the value for any task's examples, (n,); None where nobody states it.
    """
    value = STATED_VALUES[entry.name.replace("-", " ")]
    told = _values(value, study, study.data.train.examples)
    middle = float(np.nanmedian(told)) if np.isfinite(told).any() else 0.0

    def answer(heard: Heard, asked: Task) -> np.ndarray | None:
        found = _values(value, study, heard.examples)
        return np.where(np.isfinite(found), found, middle) if np.isfinite(found).any() else None

    return answer


def fit_control(
    entry: Entry, study: Study, seed: int, task: Task
) -> Callable[[Heard, Task], np.ndarray]:
    """Fit scikit-learn to one task's training people.

    Returns:
        What gives the log-odds of any task's examples, (n,).

    Raises:
        DataError: too few training people, or no stated value.
    """
    train = [e for e in study.data.train.examples if e.task_id == task.id]
    fields, kind = entry.name.split("-")
    fitted = fit_tabular(KINDS[kind], train, _rows(fields, study, train), seed=seed)

    def answer(heard: Heard, asked: Task) -> np.ndarray:
        return fitted.logits(_rows(fields, study, heard.examples))

    return answer


def _values(
    value: Callable[[Dms], float | None], study: Study, examples: Sequence[Example]
) -> np.ndarray:
    """(n,) what each person stated; NaN where they did not."""
    found = [value(dms) for dms in _people(study, examples)]
    return np.array([math.nan if one is None else one for one in found], float)


def _people(study: Study, examples: Sequence[Example]) -> list[Dms]:
    records = [example.clip.record for example in examples]
    return [shown_dms(r.dms, r.dataset, study.protocol) for r in records]


def _rows(fields: str, study: Study, examples: Sequence[Example]) -> pd.DataFrame:
    """One row an example. A recording's properties are those of its whole file."""
    if fields == "dms":
        return dms_rows(_people(study, examples))
    records = [example.clip.record for example in examples]
    properties = [study.properties.get(record.audio_path, UNREADABLE) for record in records]
    return flat_rows(properties, device=[record.device for record in records])

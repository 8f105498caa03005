"""The controls without a neural network: single values, and scikit-learn on flat fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from respllm.batching import Heard
from respllm.comparisons.entries import Entry
from respllm.comparisons.study import Study
from respllm.models.tabular import (
    SINGLE_VALUES,
    TabularKind,
    dms_rows,
    fit_tabular,
    flat_rows,
    single_value,
)
from respllm.tasks import Task
from respllm.tasks.selection import shown_dms
from respllm.types import Dms, Example

KINDS: dict[str, TabularKind] = {"logistic": "logistic", "trees": "trees"}


def fit_control(
    entry: Entry, study: Study, seed: int, task: Task
) -> Callable[[Heard, Task], np.ndarray]:
    """Fit a control to one task's training people.

    A single value learns nothing; a person who did not state it gets the training people's median,
    so that every model is scored on the same recordings.

    Returns:
        What gives the log-odds (or the value) of any task's examples, (n,).

    Raises:
        DataError: too few training people, or no stated value.
    """
    train = [e for e in study.data.train.examples if e.task_id == task.id]
    if entry.name in SINGLE_VALUES:
        known = single_value(entry.name, _people(study, train))
        middle = float(np.nanmedian(known)) if np.isfinite(known).any() else 0.0

        def value(heard: Heard, asked: Task) -> np.ndarray:
            found = single_value(entry.name, _people(study, heard.examples))
            return np.where(np.isnan(found), middle, found)

        return value
    fields, kind = entry.name.split("-")
    fitted = fit_tabular(KINDS[kind], train, _rows(fields, study, train), seed=seed)

    def answer(heard: Heard, asked: Task) -> np.ndarray:
        return fitted.logits(_rows(fields, study, heard.examples))

    return answer


def _people(study: Study, examples: Sequence[Example]) -> list[Dms]:
    records = [example.clip.record for example in examples]
    return [shown_dms(r.dms, r.dataset, study.protocol) for r in records]


def _rows(fields: str, study: Study, examples: Sequence[Example]) -> pd.DataFrame:
    if fields == "dms":
        return dms_rows(_people(study, examples))
    records = [example.clip.record for example in examples]
    properties = [study.properties[record.audio_path] for record in records]
    return flat_rows(properties, device=[record.device for record in records])

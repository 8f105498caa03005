"""What is reached without listening: age, sex, number of symptoms and sampling rate alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from respllm.evaluation.auroc import auroc_score
from respllm.evaluation.gathering import ScoredClip, choose_unit
from respllm.types import Record, Score

_SEX = {"Male": 1.0, "Female": 0.0}


def trivial_scores(
    records: Sequence[Record],
    labels: Mapping[str, int],
    sample_rates: Mapping[str, int] | None = None,
) -> dict[str, Score]:
    """AUROC of each value that needs no model, evaluated as it stands.

    The direction is fixed beforehand and not turned to fit: older, male, more symptoms and a
    higher sampling rate speak for 1, so an AUROC below 0.5 says that the opposite holds.

    Args:
        records: the recordings that the models were tested on.
        labels: record id -> 1 or 0. Recordings without a label are not scored.
        sample_rates: record id -> Hz; None leaves "sampling rate" out.

    Returns:
        "age", "sex", "symptom count" and "sampling rate", gathered in the unit that the labels of
        all recordings allow (as for the models). Recordings that lack the value are left out and
        counted in the score's note.
    """
    values: dict[str, Callable[[Record], float | None]] = {
        "age": _age,
        "sex": lambda record: _SEX.get(record.dms.gender or ""),
        "symptom count": _symptom_count,
    }
    if sample_rates is not None:
        values["sampling rate"] = lambda record: sample_rates.get(record.record_id)
    labelled = [record for record in records if record.record_id in labels]
    return {name: _score(labelled, labels, value) for name, value in values.items()}


def _score(
    records: Sequence[Record],
    labels: Mapping[str, int],
    value: Callable[[Record], float | None],
) -> Score:
    everything = [
        (ScoredClip("", record.record_id, record.subject_id, 0.0, labels[record.record_id]), record)
        for record in records
    ]
    scored = [
        replace(clip, logit=float(found))
        for clip, record in everything
        if (found := value(record)) is not None
    ]
    score = auroc_score(scored, choose_unit(clip for clip, _ in everything))
    without = len(everything) - len(scored)
    if not without:
        return score
    count = f"{without} of {len(everything)} recordings left out: not stated"
    return replace(score, note="; ".join(filter(None, [score.note, count])))


def _age(record: Record) -> float | None:
    """Years; the midpoint of a band, the stated limit of an open one ("65+")."""
    age = record.dms.age
    if not isinstance(age, str):
        return age
    limits = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", age)]
    return fmean(limits) if limits else None


def _symptom_count(record: Record) -> float | None:
    symptoms = record.dms.symptoms
    return None if symptoms is None else float(len(symptoms))

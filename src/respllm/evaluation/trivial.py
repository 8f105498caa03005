"""What is reached without listening: age, sex, number of symptoms and sampling rate alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from types import MappingProxyType

from respllm.evaluation.auroc import auroc_score
from respllm.evaluation.gathering import ScoredClip, choose_unit
from respllm.types import Dms, Record, Score

SEX = {"Male": 1.0, "Female": 0.0}


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
        name: partial(_of_person, value) for name, value in STATED_VALUES.items()
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


def _of_person(value: Callable[[Dms], float | None], record: Record) -> float | None:
    return value(record.dms)


def _age(dms: Dms) -> float | None:
    """Years; the midpoint of a band, the stated limit of an open one ("65+")."""
    if not isinstance(dms.age, str):
        return dms.age
    limits = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", dms.age)]
    return fmean(limits) if limits else None


def _sex(dms: Dms) -> float | None:
    return SEX.get(dms.gender or "")


def _symptom_count(dms: Dms) -> float | None:
    return None if dms.symptoms is None else float(len(dms.symptoms))


STATED_VALUES: Mapping[str, Callable[[Dms], float | None]] = MappingProxyType(
    {"age": _age, "sex": _sex, "symptom count": _symptom_count}
)
"""What a person stated, as one number; None where they did not. Older, male and more symptoms
speak for 1."""

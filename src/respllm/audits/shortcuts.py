"""How well does the way of recording tell the answer, without any disease?

One row for each task and property. Its AUROC and p-value come from all parts of the task together
(training, validation and test): a shortcut is a fact about a dataset, and the training part is
where a model would learn it. The note tells the AUROC on the test part alone; `explains` is about
the model's scores there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal

import numpy as np

from respllm.audio.properties import RecordingProperties, properties_of
from respllm.audits import alone
from respllm.audits.results import Finding, Shortcut
from respllm.audits.wording import counted, interval
from respllm.evaluation import ScoredClip, auroc_score, choose_unit
from respllm.tasks import Selection
from respllm.types import SPLITS, Example, Record, Score

SIGNIFICANT = 0.01
MARGIN = 0.05
"""A property counts only where the lower bound of its AUROC is above 0.55; see docs/audits.md."""
MIN_PEOPLE = 10
"""Of each class: with fewer, no property can be told from chance after correction."""

Kind = Literal["provenance", "acoustic"]
Value = Callable[[Record, RecordingProperties], Hashable]


@dataclass(frozen=True, slots=True)
class Property:
    """Something that is known of every recording without listening for a disease.

    Attributes:
        kind: see `Shortcut`. Acoustic ones can be the disease itself: who breathes out for longer
            records for longer.
        numeric: a number; else a name.
        value: of one recording; None is "not stated".
    """

    kind: Kind
    numeric: bool
    value: Value


PROPERTIES: dict[str, Property] = {
    "sampling rate": Property("provenance", False, lambda _, file: file.sample_rate),
    "channels": Property("provenance", False, lambda _, file: file.channels),
    "bandwidth": Property("provenance", True, lambda _, file: file.bandwidth_hz),
    "device": Property("provenance", False, lambda record, _: record.device),
    "recruitment source": Property("provenance", False, lambda record, _: record.recruitment),
    "site": Property("provenance", False, lambda record, _: record.site),
    "language": Property("provenance", False, lambda record, _: record.language),
    "loudness": Property("acoustic", True, lambda _, file: file.loudness_dbfs),
    "duration": Property("acoustic", True, lambda _, file: file.seconds),
    "noise floor": Property("acoustic", True, lambda _, file: file.noise_floor_dbfs),
    "clipping": Property("acoustic", True, lambda _, file: file.clipped_fraction),
}

Measured = Mapping[Path, RecordingProperties]
ModelScores = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class _Trial:
    """One property of one task: the AUROCs of the true and of the permuted labels."""

    task_id: str
    name: str
    score: Score
    aurocs: np.ndarray
    explains: float | None


def measure(examples: Iterable[Example]) -> Measured:
    """Properties of every recording that can be decoded, by path; the others are left out."""
    return properties_of(example.clip.record.audio_path for example in examples)


def shortcuts(
    selections: Sequence[Selection],
    measured: Measured,
    *,
    seed: int,
    model_scores: ModelScores | None = None,
) -> tuple[list[Shortcut], list[Finding]]:
    """Try each property alone on each task.

    The p-values are corrected over all properties and tasks at once by the largest standardised
    AUROC of each permutation (max-T; Westfall and Young 1993). Labels are permuted by subject,
    anew in each task: where tasks share people, that makes the correction a little stricter.

    Args:
        selections: one for each task.
        measured: from `measure`.
        model_scores: task id -> record id -> the model's mean score, of the test part.
    """
    trials: list[_Trial] = []
    findings: list[Finding] = []
    for selection in selections:
        found, reason = _trials(
            selection, measured, seed, (model_scores or {}).get(selection.task_id)
        )
        trials += found
        if reason:
            text = f"{selection.task_id}: shortcuts cannot be looked for: {reason}."
            findings.append(Finding("shortcuts", selection.task_id, "not checked", text))
    rows = [_row(trial, p_value) for trial, p_value in zip(trials, _corrected(trials), strict=True)]
    return rows, [*findings, *_findings(rows)]


def _trials(
    selection: Selection,
    measured: Measured,
    seed: int,
    scores: Mapping[str, float] | None,
) -> tuple[list[_Trial], str]:
    records, labels, tested = _labelled(selection, measured)
    people = {
        label: len({r.subject_id for r in records if labels[r.record_id] == label})
        for label in (0, 1)
    }
    if min(people.values()) < MIN_PEOPLE:
        return [], f"{people[1]} positive and {people[0]} negative people are too few"
    data = _recordings(selection.task_id, records, labels)
    rng = np.random.default_rng([seed, *selection.task_id.encode()])
    folds = alone.folds_of(data, rng)
    permuted = alone.permuted_labels(data, folds, rng)
    trials = []
    for name, one in PROPERTIES.items():
        values = [one.value(record, measured[record.audio_path]) for record in records]
        if all(value is None for value in values):
            continue
        levels = alone.levels_of(values, one.numeric)
        found = alone.predictions(levels, folds, permuted)
        score = _score(selection.task_id, records, labels, found[:, 0])
        part = [i for i, record in enumerate(records) if record.record_id in tested]
        on_test = _score(selection.task_id, [records[i] for i in part], labels, found[part, 0])
        if on_test.value is not None and len(part) < len(records):
            note = f"on the test part alone {interval(on_test.value, on_test.low, on_test.high)}"
            score = replace(score, note="; ".join(filter(None, [score.note, note])))
        trials.append(
            _Trial(
                selection.task_id,
                name,
                score,
                alone.aurocs(data, found, permuted),
                None if scores is None else _explains(records, levels, scores),
            )
        )
    return trials, ""


def _labelled(
    selection: Selection, measured: Measured
) -> tuple[list[Record], dict[str, int], frozenset[str]]:
    """Recordings of all parts, each once; a recording with a positive clip is positive."""
    records: dict[str, Record] = {}
    labels: dict[str, int] = {}
    for split in SPLITS:
        for example in selection.parts[split]:
            record = example.clip.record
            if example.label is not None and record.audio_path in measured:
                records[record.record_id] = record
                labels[record.record_id] = max(example.label, labels.get(record.record_id, 0))
    tested = frozenset(e.clip.record.record_id for e in selection.parts["test"])
    return list(records.values()), labels, tested


def _clips(
    task_id: str, records: Sequence[Record], labels: Mapping[str, int], scores: Iterable[float]
) -> list[ScoredClip]:
    return [
        ScoredClip(task_id, r.record_id, r.subject_id, float(score), labels[r.record_id])
        for r, score in zip(records, scores, strict=True)
    ]


def _recordings(
    task_id: str, records: Sequence[Record], labels: Mapping[str, int]
) -> alone.Recordings:
    names = list(dict.fromkeys(record.subject_id for record in records))
    number = {name: i for i, name in enumerate(names)}
    clips = _clips(task_id, records, labels, [0.0] * len(records))
    return alone.Recordings(
        np.array([number[record.subject_id] for record in records]),
        np.array([labels[record.record_id] for record in records]),
        choose_unit(clips) == "subject",
    )


def _score(
    task_id: str, records: Sequence[Record], labels: Mapping[str, int], scores: np.ndarray
) -> Score:
    return auroc_score(_clips(task_id, records, labels, scores.round(12)))


def _explains(
    records: Sequence[Record], levels: np.ndarray, scores: Mapping[str, float]
) -> float | None:
    known = [i for i, record in enumerate(records) if record.record_id in scores]
    return alone.explained(
        levels[known], np.array([scores[records[i].record_id] for i in known], float)
    )


def _corrected(trials: Sequence[_Trial]) -> list[float]:
    """Max-T p-values over all trials, (1 + larger) / (1 + permutations)."""
    if not trials:
        return []
    found = np.stack([trial.aurocs for trial in trials])
    spread = found[:, 1:].std(axis=1, keepdims=True)
    centre = found[:, 1:].mean(axis=1, keepdims=True)
    # A constant property has no spread: it is never the largest.
    standard = np.where(spread > 1e-9, (found - centre) / np.maximum(spread, 1e-9), -np.inf)
    largest = standard[:, 1:].max(axis=0)
    larger = (largest[None] >= standard[:, :1]).sum(axis=1)
    return ((1 + larger) / (1 + alone.PERMUTATIONS)).tolist()


def _significant(p_value: float | None, score: Score) -> bool:
    return (
        p_value is not None
        and p_value < SIGNIFICANT
        and score.low is not None
        and score.low > 0.5 + MARGIN
    )


def _row(trial: _Trial, p_value: float) -> Shortcut:
    kind = PROPERTIES[trial.name].kind
    found = kind == "provenance" and _significant(p_value, trial.score)
    return Shortcut(trial.task_id, trial.name, kind, trial.score, p_value, trial.explains, found)


def _findings(rows: Sequence[Shortcut]) -> list[Finding]:
    findings = []
    for row in rows:
        if not _significant(row.p_value, row.auroc):
            continue
        text = (
            f"{row.task_id}: the {row.property} alone tells the answer, AUROC "
            f"{interval(row.auroc.value, row.auroc.low, row.auroc.high)}, corrected p = "
            f"{row.p_value:.3f}"
        )
        if row.explains is not None:
            text += f", and explains {row.explains:.0%} of the model's score ranks"
        if row.found:
            findings.append(Finding("shortcuts", row.task_id, "problem", text + "."))
        else:
            text += "; this cannot be told from the disease itself."
            findings.append(Finding("shortcuts", row.task_id, "note", text))
    clear = [
        task_id
        for task_id in dict.fromkeys(row.task_id for row in rows)
        if not any(row.found for row in rows if row.task_id == task_id)
    ]
    if clear:
        largest = max(
            (r.auroc.value or 0.0) for r in rows if r.kind == "provenance" and r.task_id in clear
        )
        text = (
            f"{', '.join(clear)}: no way of recording tells the answer (largest AUROC of sampling "
            f"rate, channels, bandwidth and device {largest:.2f}, over "
            f"{counted(len(clear), 'task')})."
        )
        findings.append(Finding("shortcuts", "", "fine", text))
    return findings


def record_scores(clips: Iterable[ScoredClip]) -> dict[str, float]:
    """Mean score of each recording's clips."""
    found: dict[str, list[float]] = {}
    for clip in clips:
        found.setdefault(clip.record_id, []).append(clip.logit)
    return {record_id: fmean(logits) for record_id, logits in found.items()}

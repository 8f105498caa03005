"""What an audit finds, as typed rows; `AuditResult` is written as JSON and read by the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from respllm.evaluation.differences import Difference
from respllm.types import ProtocolName, Score

Verdict = Literal["fine", "note", "problem", "not checked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One plain sentence of the audit.

    Attributes:
        audit: which audit says it: "modalities", "question", "matching", "subgroups",
            "shortcuts", "leaks".
        task_id: of one task; "" of all.
        verdict: "problem" if a reader must not trust a number as it stands.
        text: a whole sentence with the numbers in it.
    """

    audit: str
    task_id: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class InputEffect:
    """What the model loses when one input no longer belongs to the person.

    Attributes:
        task_id: the task.
        input: "audio", "text", or a DMS field ("age", "gender", "medical history", ...).
        change: "swapped" between subjects of the test part (mean over several draws), or
            "removed".
        changed: AUROC with the changed input.
        loss: AUROC as it is minus `changed`, paired by subject.
    """

    task_id: str
    input: str
    change: Literal["swapped", "removed"]
    changed: float | None
    loss: Difference


@dataclass(frozen=True, slots=True)
class QuestionEffect:
    """What happens when another question is asked of the same recordings.

    Attributes:
        task_id: the task whose recordings and answers are used.
        question: "its own", "of <task id>", "unrelated", "negated".
        prompt: the words asked.
        auroc: against the task's own answers.
        correlation: Spearman's, of the scores with those of the task's own question.
        loss: AUROC of the own question minus this one, paired.
    """

    task_id: str
    question: str
    prompt: str
    auroc: float | None
    correlation: float | None
    loss: Difference


@dataclass(frozen=True, slots=True)
class MatchedScore:
    """AUROC on people matched for what could give the answer away (Coppock et al. 2024).

    Attributes:
        matched_on: fields that are equal (or in one band) within each pair.
        pairs: positives with a matched negative.
        unmatched: AUROC on everybody.
        matched: AUROC on the pairs.
    """

    task_id: str
    matched_on: tuple[str, ...]
    pairs: int
    unmatched: Score
    matched: Score


@dataclass(frozen=True, slots=True)
class SubgroupScore:
    """One group of people.

    Attributes:
        attribute: "sex", "age band", "device", "site", "language".
        group: its value; "not stated" is a group of its own.
        score: AUROC within the group; None with a note where it is undefined.
        small: fewer than 10 people of one class: read with care.
        worst: the lowest defined AUROC of this task and attribute, small groups left out.
    """

    task_id: str
    attribute: str
    group: str
    score: Score
    small: bool
    worst: bool


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How well something that is no disease tells the answer.

    Attributes:
        property: "sampling rate", "bandwidth", "loudness", "duration", "device",
            "recruitment source", ...
        kind: "provenance" tells how a recording was made; "acoustic" can also be the disease.
        auroc: cross-validated by subject, of the property alone against the label; its direction
            is learned, so 0.5 is chance.
        p_value: corrected over all properties and tasks of the audit (permutation by subject).
        explains: share of the variance of the model's score ranks that the property explains
            (eta squared or R squared), 0 to 1; None without a model.
        found: whether the audit calls it a shortcut.
    """

    task_id: str
    property: str
    kind: Literal["provenance", "acoustic"]
    auroc: Score
    p_value: float | None
    explains: float | None
    found: bool


@dataclass(frozen=True, slots=True)
class Leak:
    """Recordings that are, or sound, the same across parts or with contradictory labels.

    Attributes:
        kind: "subject in two parts", "identical audio", "nearly identical audio",
            "identical audio, contradictory labels".
        tasks: task ids concerned.
        parts: the parts concerned ("train", "test").
        count: number of recordings (or people).
        examples: a few pairs of record ids; listed only where asked for by name.
    """

    kind: str
    tasks: tuple[str, ...]
    parts: tuple[str, ...]
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditResult:
    """All audits of one run on one protocol.

    Attributes:
        run: name of the run.
        protocol: data choices.
        simulated: whether the audited recordings are simulated.
        model_id: what was audited.
        findings: plain sentences, problems first.
    """

    run: str
    protocol: ProtocolName
    simulated: bool
    model_id: str
    findings: tuple[Finding, ...]
    inputs: tuple[InputEffect, ...]
    questions: tuple[QuestionEffect, ...]
    matched: tuple[MatchedScore, ...]
    subgroups: tuple[SubgroupScore, ...]
    shortcuts: tuple[Shortcut, ...]
    leaks: tuple[Leak, ...]

"""Plain sentences about scores: what a number beside another number means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from respllm.audits.results import Verdict
from respllm.evaluation.assessment import Assessment
from respllm.evaluation.table import ResultRow
from respllm.reports.formatting import between, listed, number, share
from respllm.reports.inputs import BaselineDifference, ReportInputs

FEWEST_PEOPLE = 10
"""People of one class below which a number is read with care, as in the audit's subgroups."""
NEAR_BEST = 0.03
"""Mean AUROC below the best reachable one that still counts as near."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence.

    Attributes:
        verdict: "problem" if a reader must not trust a number as it stands.
        text: the sentence.
        source: "scores", or the audit that says it.
    """

    verdict: Verdict
    text: str
    source: str = "scores"


@dataclass(frozen=True, slots=True)
class Rival:
    """One value that does as well without listening.

    Attributes:
        name: "age".
        value: AUROC, turned to the better direction where its interval lies below 0.5.
        turned: whether it was.
    """

    name: str
    value: float
    turned: bool


def rivals(row: ResultRow) -> list[Rival]:
    """Trivial predictors that reach the model, best first.

    Only those whose interval excludes 0.5 count, so that none is turned round to fit by chance.
    """
    found = []
    for name, score in row.trivial.items():
        if score.value is None or score.low is None or score.high is None:
            continue
        turned = score.high < 0.5
        value = 1 - score.value if turned else score.value
        if (turned or score.low > 0.5) and row.score.value is not None and value >= row.score.value:
            found.append(Rival(name, value, turned))
    return sorted(found, key=lambda rival: -rival.value)


def statements(inputs: ReportInputs) -> Iterable[Statement]:
    """Sentences about the rows, the baselines and the assessments; not about the audit."""
    yield from _undefined(inputs.rows)
    yield from _trivial(inputs.rows)
    yield from _chance(inputs.rows)
    yield from _baselines(inputs.differences)
    yield from _confidence(inputs.assessments)
    yield from _coverage(inputs.assessments)
    yield from _net_benefit(inputs.assessments)
    yield from _near_best(inputs.rows)
    yield from _few(inputs.rows)
    yield from _paper(inputs)
    yield from _skipped(inputs.rows)
    if inputs.audit is None:
        yield Statement(
            "not checked",
            "The run was not audited: nobody looked for leaks, shortcuts and what each input adds.",
        )
    if not inputs.differences:
        yield Statement("not checked", "The model was not compared with any baseline.")
    if not inputs.assessments:
        yield Statement("not checked", "Calibration and decisions were not assessed.")


def _undefined(rows: Sequence[ResultRow]) -> Iterable[Statement]:
    for row in rows:
        if row.score.value is None:
            why = row.score.note or "it is undefined"
            yield Statement("problem", f"No AUROC could be computed on {row.task_id}: {why}.")


def _trivial(rows: Sequence[ResultRow]) -> Iterable[Statement]:
    free = []
    for row in rows:
        found = rivals(row)
        if found:
            best = found[0]
            how = ", read the other way," if best.turned else ""
            verb = "does better than" if best.value > (row.score.value or 0) else "does as well as"
            yield Statement(
                "problem",
                f"On {row.task_id} {best.name} alone{how} ({number(best.value)}) {verb} the model "
                f"({number(row.score.value)}).",
            )
        elif row.score.value is not None and row.trivial:
            free.append(row.task_id)
    if free:
        names = listed([*dict.fromkeys(name for row in rows for name in row.trivial)])
        yield Statement("fine", f"On {listed(free)} none of {names} alone reaches the model.")


def _chance(rows: Sequence[ResultRow]) -> Iterable[Statement]:
    defined = [row for row in rows if row.score.low is not None and row.score.high is not None]
    below = [row for row in defined if (row.score.high or 0) < 0.5]
    unclear = [row for row in defined if (row.score.low or 0) <= 0.5 <= (row.score.high or 0)]
    above = [row for row in defined if (row.score.low or 0) > 0.5]
    for row in below:
        yield Statement(
            "problem", f"On {row.task_id} the answers point the wrong way: {_auroc(row)}."
        )
    if len(unclear) == 1:
        row = unclear[0]
        yield Statement(
            "problem",
            f"The interval of {row.task_id} ({between(row.score.low, row.score.high)}) contains "
            "0.5: chance is not excluded.",
        )
    elif unclear:
        tasks = listed(
            [f"{row.task_id} ({between(row.score.low, row.score.high)})" for row in unclear]
        )
        yield Statement(
            "problem", f"The intervals of {tasks} contain 0.5: chance is not excluded there."
        )
    if above:
        tasks = listed([f"{row.task_id} ({_auroc(row)})" for row in above])
        yield Statement("fine", f"Chance is excluded on {tasks}.")


def _auroc(row: ResultRow) -> str:
    return f"{number(row.score.value)}, {between(row.score.low, row.score.high)}"


def _baselines(differences: Sequence[BaselineDifference]) -> Iterable[Statement]:
    """The best baseline of each task is the one with the smallest difference."""
    worse, equal, better = [], [], []
    for task_id in dict.fromkeys(one.task_id for one in differences):
        own = [one for one in differences if one.task_id == task_id]
        for one in own:
            if one.difference.value is None:
                why = one.difference.note or "it is undefined"
                yield Statement(
                    "not checked",
                    f"On {task_id} the model and {one.baseline} could not be compared: {why}.",
                )
        defined = [one for one in own if one.difference.value is not None]
        if not defined:
            continue
        best = min(defined, key=lambda one: one.difference.value or 0.0)
        found = best.difference
        text = (
            f"{task_id} ({best.baseline}: {number(found.value)}, {between(found.low, found.high)})"
        )
        if found.high is not None and found.high < 0:
            worse.append(text)
        elif found.low is None or found.low <= 0:
            equal.append(text)
        else:
            better.append(text)
    paired = "; paired difference of AUROCs."
    if worse:
        yield Statement(
            "problem", f"A baseline is better than the model on {listed(worse)}{paired}"
        )
    if equal:
        text = f"The model is no better than the best baseline on {listed(equal)}{paired}"
        yield Statement("note", text)
    if better:
        text = f"The model is better than the best baseline on {listed(better)}{paired}"
        yield Statement("fine", text)


def _confidence(assessments: Sequence[Assessment]) -> Iterable[Statement]:
    """The calibration slope of the probabilities as given."""
    over, under, unclear = [], [], []
    for one in assessments:
        if not one.calibrations or one.calibrations[0].slope.value is None:
            continue
        slope = one.calibrations[0].slope
        text = (
            f"{one.task_id} (slope {number(slope.value, 2)}, {between(slope.low, slope.high, 2)})"
        )
        if slope.high is not None and slope.high < 1:
            over.append(text)
        elif slope.low is not None and slope.low > 1:
            under.append(text)
        else:
            unclear.append(text)
    if over:
        yield Statement("note", f"Probabilities are overconfident on {listed(over)}.")
    if under:
        yield Statement("note", f"Probabilities are underconfident on {listed(under)}.")
    if unclear:
        text = f"Probabilities are not clearly over- or underconfident on {listed(unclear)}."
        yield Statement("fine", text)


def _coverage(assessments: Sequence[Assessment]) -> Iterable[Statement]:
    for one in assessments:
        sets = one.conformal
        if sets is None:
            continue
        reached = sets.coverage
        if reached.high is not None and reached.high < sets.level:
            yield Statement(
                "problem",
                f"On {one.task_id} the conformal sets hold the true answer in "
                f"{share(reached.value)}, less than the promised {share(sets.level)}: the test "
                "people are unlike the validation people.",
            )
    quiet = [
        f"{one.task_id} ({share(one.conformal.abstained.value)})"
        for one in assessments
        if one.conformal is not None and (one.conformal.abstained.value or 0) > 0.5
    ]
    if quiet:
        text = "Asked to keep its promised coverage, the model abstains for most people on"
        yield Statement("note", f"{text} {listed(quiet)}.")


def _net_benefit(assessments: Sequence[Assessment]) -> Iterable[Statement]:
    useless = [
        one.task_id
        for one in assessments
        if one.decision is not None
        and not any(
            own > max(everybody, 0)
            for own, everybody in zip(one.decision.model, one.decision.act_on_all, strict=True)
        )
    ]
    if useless:
        yield Statement(
            "note",
            f"On {listed(useless)} acting on the model is at no threshold better than acting on "
            "everybody or on nobody.",
        )


def _near_best(rows: Sequence[ResultRow]) -> Iterable[Statement]:
    known = [
        (row.score.value, row.best_reachable)
        for row in rows
        if row.score.value is not None and row.best_reachable is not None
    ]
    if known:
        own, best = fmean(value for value, _ in known), fmean(value for _, value in known)
        yield Statement(
            "fine" if best - own <= NEAR_BEST else "note",
            f"On average over {len(known)} tasks the AUROC is {number(own)} where {number(best)} "
            f"can be reached: {number(best - own)} below.",
        )


def _few(rows: Sequence[ResultRow]) -> Iterable[Statement]:
    small = [
        f"{row.task_id} ({row.score.n_positive} with, {row.score.n_negative} without)"
        for row in rows
        if min(row.score.n_positive, row.score.n_negative) < FEWEST_PEOPLE
    ]
    if small:
        yield Statement(
            "note", f"Fewer than {FEWEST_PEOPLE} people of one class are in {listed(small)}."
        )


def _paper(inputs: ReportInputs) -> Iterable[Statement]:
    if inputs.simulated:
        return
    for row in inputs.rows:
        low, high = row.score.low, row.score.high
        if row.paper is None or low is None or high is None or low <= row.paper <= high:
            continue
        where = "above" if row.paper > high else "below"
        yield Statement(
            "note",
            f"The paper's {number(row.paper)} on {row.task_id} lies {where} our interval "
            f"({between(low, high)}).",
        )


def _skipped(rows: Sequence[ResultRow]) -> Iterable[Statement]:
    missed = [f"{row.skipped} of {row.task_id}" for row in rows if row.skipped]
    if missed:
        yield Statement(
            "note", f"Recordings that could not be scored and count nowhere: {listed(missed)}."
        )

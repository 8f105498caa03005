"""The TRIPOD+AI checklist, filled in as far as the run itself knows."""

from __future__ import annotations

from collections.abc import Iterable

from respllm.evaluation.assessment import Assessment
from respllm.reports.document import Section, Table, Text
from respllm.reports.formatting import listed, with_interval
from respllm.reports.inputs import ReportInputs
from respllm.reports.tripod_items import TRIPOD_ITEMS
from respllm.types import Split

AUTHORS = "For the authors."


def tripod_section(inputs: ReportInputs) -> Section:
    """All sub-items; what the run cannot know is marked for the authors."""
    known = dict(_known(inputs))
    rows = tuple(
        (item.number, item.section, item.asks, known.get(item.number, AUTHORS))
        for item in TRIPOD_ITEMS
    )
    filled = sum(item.number in known for item in TRIPOD_ITEMS)
    intro = Text(
        f"After Collins et al. (2024), BMJ 385:e078378, in our words; use the published form for a "
        f"submission. Of {len(TRIPOD_ITEMS)} sub-items this run fills in {filled} in whole or in "
        "part; the others are for the authors."
    )
    header = ("Item", "Part", "To be reported", "This run")
    return Section("tripod", "TRIPOD+AI checklist", (intro, Table("TRIPOD+AI", header, rows)))


def _known(inputs: ReportInputs) -> Iterable[tuple[str, str]]:
    yield from _of_the_data(inputs)
    yield from _of_the_analysis(inputs)
    yield from _of_the_results(inputs)


def _of_the_data(inputs: ReportInputs) -> Iterable[tuple[str, str]]:
    trained = [row for row in inputs.rows if row.role == "trained"]
    unseen = [row for row in inputs.rows if row.role == "zero-shot"]
    if inputs.rows:
        conditions = listed(sorted({row.condition for row in inputs.rows}))
        yield "1", f"Diagnostic model for {conditions}; developed and evaluated. {AUTHORS}"
        yield (
            "4",
            f"Both: evaluated on held-out people of {len(trained)} trained tasks and on "
            f"{len(unseen)} tasks it was never trained on. {AUTHORS}",
        )
        sources = listed(sorted({row.dataset for row in inputs.rows}))
        simulated = "Simulated in the layouts of: " if inputs.simulated else ""
        yield "5a", f"{simulated}{sources}. Representativeness: {AUTHORS[0].lower()}{AUTHORS[1:]}"
        asked = dict.fromkeys(f"{row.task_id}: {row.condition}" for row in inputs.rows)
        yield (
            "8a",
            f"As the publishers state it: {'; '.join(asked)}. How assessed: for the authors.",
        )
    yield (
        "7",
        "16 kHz mono, silence trimmed, clips of 8.18 s, 64-band log-mel; unusable recordings are "
        f"counted ({sum(row.skipped for row in inputs.rows)} skipped).",
    )
    yield (
        "9b",
        "Recordings and stated demographics, medical history and symptoms as text, see card.",
    )
    yield "11", "What was not stated is left out of the text; nothing is imputed."
    yield "12a", f"Protocol {inputs.protocol}: {_DIVIDED[inputs.protocol]}"
    sizes = _sizes(inputs, ("train", "validation", "test"))
    if sizes:
        yield "10", f"All available data: {sizes}. No calculation was made by the run. {AUTHORS}"
        yield "21", f"{sizes}."
    if unseen:
        names = listed(sorted({row.dataset for row in unseen}))
        yield "16", f"Zero-shot tasks come from data the model was not trained on: {names}."


_DIVIDED = {
    "clean": "everybody is in one part, across all tasks learned together.",
    "paper": "the published division, in which people may be in several parts.",
}


def _sizes(inputs: ReportInputs, parts: tuple[Split, ...]) -> str:
    counts = () if inputs.facts is None else inputs.facts.counts
    return "; ".join(
        f"{one.task_id} {one.part} {one.subjects} subjects, {one.recordings} recordings"
        for one in counts
        if one.part in parts
    )


def _of_the_analysis(inputs: ReportInputs) -> Iterable[tuple[str, str]]:
    yield "12b", "Sound as 64 tokens of a frozen encoder, text as the language model's tokens."
    seed = "" if inputs.facts is None else f" Seed {inputs.facts.seed}."
    yield "12c", f"Language model over prompt, text and sound; selected on validation people.{seed}"
    measures = ["AUROC with interval by subject"]
    if inputs.assessments:
        measures += ["precision-recall", "calibration", "decision curves", "conformal coverage"]
    if inputs.differences:
        measures.append("paired differences from baselines")
    yield "12e", f"{listed(measures)}; see Methods."
    fitted = _fitted(inputs.assessments)
    if fitted:
        yield "12f", f"Recalibration on validation people: {listed(fitted)}; see Calibration."
        yield "24", f"See Calibration: as given beside {listed(fitted)}."
    yield (
        "12g",
        "The commands are under “The run”; the checkpoint predicts with the respllm package.",
    )
    yield (
        "13",
        "By default the loss weighs both classes of a task alike, and probabilities are corrected "
        "for it; the run's configuration says whether that was changed.",
    )
    groups = [] if inputs.audit is None else [row.attribute for row in inputs.audit.subgroups]
    if groups:
        named = listed(sorted(set(groups)))
        yield "12d", f"Scores apart by {named}; see Subgroups."
        yield "14", f"Performance was compared by {named}; nothing was changed because of it."
    rules = dict.fromkeys(p.rule for one in inputs.assessments for p in one.operating_points)
    output = "A probability."
    if rules:
        output += f" Thresholds: {listed(list(rules))}."
    yield "15", output
    yield "18f", "The respllm package (Apache-2.0), versions under “The run”."


def _fitted(assessments: Iterable[Assessment]) -> list[str]:
    return list(dict.fromkeys(c.name for one in assessments for c in one.calibrations[1:]))


def _of_the_results(inputs: ReportInputs) -> Iterable[tuple[str, str]]:
    if inputs.rows:
        yield (
            "20a",
            "Test part: "
            + "; ".join(
                f"{row.task_id} {row.score.n_positive} with, {row.score.n_negative} without, "
                f"{row.skipped} recordings skipped"
                for row in inputs.rows
            )
            + ".",
        )
        yield (
            "23a",
            "AUROC: "
            + "; ".join(
                f"{row.task_id} " + with_interval(row.score.value, row.score.low, row.score.high)
                for row in inputs.rows
            )
            + ".",
        )
    if inputs.card:
        yield "22", "The model card names the weights, the base model and its terms."
    if inputs.audit is not None and inputs.audit.subgroups:
        worst = [
            f"{row.task_id} {row.attribute} {row.group}"
            for row in inputs.audit.subgroups
            if row.worst
        ]
        yield "23b", f"See Subgroups. Worst: {listed(worst) or 'undefined'}."
    yield "25", f"Draft: “In one minute”. {AUTHORS}"
    yield "26", f"Draft: the problems and notes of “In one minute”. {AUTHORS}"
    yield (
        "27a",
        "A recording that cannot be used is refused with a reason; what is not stated is omitted.",
    )
    yield "27b", f"A recording and a short form of stated facts. {AUTHORS}"

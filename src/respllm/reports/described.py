"""Baselines, learning curves, attribution, the model card, the run, and cases asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from respllm.reports.attributed import MOST_WORDS, sound_plot, word_plot
from respllm.reports.curves import learning_plot
from respllm.reports.document import (
    Block,
    Bullets,
    Card,
    Caution,
    Code,
    Missing,
    Plots,
    Section,
    Table,
    Text,
)
from respllm.reports.formatting import DASH, number, share, with_interval
from respllm.reports.inputs import Case, ReportInputs

if TYPE_CHECKING:
    from respllm.audits.attribution import Attribution


def comparison_section(inputs: ReportInputs) -> Section:
    """The model beside its baselines."""
    blocks: list[Block] = [
        Table(one.title, one.header, one.rows, one.notes) for one in inputs.comparisons
    ]
    if inputs.differences:
        header = ("Task", "Baseline", "Difference (95% interval)", "p", "Second method", "Note")
        rows = tuple(
            (
                *(one.task_id, one.baseline),
                with_interval(one.difference.value, one.difference.low, one.difference.high),
                number(one.difference.p_value),
                _second(one.difference.check_low, one.difference.check_high),
                one.difference.note,
            )
            for one in inputs.differences
        )
        methods = dict.fromkeys(
            f"Interval: {one.difference.method}; second method: {one.difference.check_method}."
            for one in inputs.differences
        )
        blocks.append(
            Table("AUROC of the model minus AUROC of a baseline", header, rows, tuple(methods))
        )
    if not blocks:
        blocks.append(
            Missing("The model was not compared. `respllm baselines` and `respllm table` do that.")
        )
    return Section("comparisons", "Beside the baselines", tuple(blocks))


def _second(low: float | None, high: float | None) -> str:
    return DASH if low is None or high is None else f"{number(low)} to {number(high)}"


def learning_section(inputs: ReportInputs) -> Section:
    """AUROC by number of training subjects."""
    title = "Learning curves"
    if not inputs.curves:
        why = (
            "Runs on fewer training subjects were not made, so it is open whether more would help."
        )
        return Section("learning", title, (Missing(why),))
    tasks = list(dict.fromkeys(one.task for one in inputs.curves))
    plots = tuple(
        learning_plot(f"learning-{place}", task, [one for one in inputs.curves if one.task == task])
        for place, task in enumerate(tasks)
    )
    rows = tuple(
        (one.task, one.model, str(count), with_interval(mean, low, high))
        for one in inputs.curves
        for count, mean, low, high in zip(
            one.subjects,
            one.mean,
            one.low or (None,) * len(one.mean),
            one.high or (None,) * len(one.mean),
            strict=True,
        )
    )
    table = Table("AUROC by training subjects", ("Task", "Model", "Subjects", "AUROC"), rows)
    return Section("learning", title, (Plots(plots), table))


def attribution_section(inputs: ReportInputs) -> Section:
    """Which sound and which words carry the answers."""
    title = "Attribution over sound and words"
    if not inputs.attributions:
        why = "The answers were not attributed: it takes the model itself and test examples."
        return Section("attribution", title, (Missing(why),))
    blocks: list[Block] = []
    for place, one in enumerate(inputs.attributions):
        blocks += _attributed(f"attribution-{place}", one)
    return Section("attribution", title, tuple(blocks))


def _attributed(key: str, found: Attribution) -> Iterable[Block]:
    yield Text(
        f"{found.task_id}, {found.examples} clips of {found.people} people. "
        f"{found.method}. {found.baseline} "
        f"Share of the absolute attribution: sound {share(found.audio_share)}, DMS "
        f"{share(found.dms_share)}, prompt {share(found.prompt_share)}. The shares of an example "
        f"add up to its change of the log-odds (mean {number(found.mean_change)}) with an error of "
        f"at most {found.largest_delta:.2g}."
    )
    check = found.check
    correlations = f"sound {number(check.audio, 2)}, words {number(check.words, 2)}"
    if check.passed is None:
        yield Missing("Randomisation check: undefined, all attributions are equal.")
    elif check.passed:
        yield Text(
            "Randomisation check passed (Adebayo et al. 2018): with shuffled weights the "
            f"attributions are others (Spearman's correlation: {correlations})."
        )
    else:
        yield Caution(
            "Randomisation check failed (Adebayo et al. 2018): with shuffled weights the "
            f"attributions are much alike (Spearman's correlation: {correlations}). They show the "
            "input rather than what was learned; do not read them."
        )
    plots = [sound_plot(f"{key}-sound", found)]
    if found.words:
        plots.append(word_plot(f"{key}-words", found))
    yield Plots(tuple(plots))
    if found.words:
        yield Table(
            f"{found.task_id}: the {MOST_WORDS} strongest words, over people",
            ("Word", "Part", "Mean", "Mean absolute", "People"),
            tuple(
                (
                    word.word,
                    word.part,
                    number(word.mean),
                    number(word.mean_absolute),
                    str(word.people),
                )
                for word in found.words[:MOST_WORDS]
            ),
        )


def card_section(inputs: ReportInputs) -> Section:
    """The model card as it travels with the checkpoint."""
    block: Block = (
        Card(inputs.card) if inputs.card.strip() else Missing("The run has no model card.")
    )
    return Section("card", "Model card", (block,))


def run_section(inputs: ReportInputs) -> Section:
    """How the run was made."""
    facts = inputs.facts
    title = "The run"
    if facts is None:
        return Section("run", title, (Missing("The run kept no record of how it was made."),))
    blocks: list[Block] = [
        Bullets(
            (
                f"Seed: {facts.seed}",
                f"Hardware: {facts.hardware or 'not recorded'}",
                *(f"{name} {version}" for name, version in facts.versions),
            )
        )
    ]
    if facts.counts:
        rows = tuple(
            (one.task_id, one.part, str(one.recordings), str(one.subjects)) for one in facts.counts
        )
        blocks.append(Table("Data", ("Task", "Part", "Recordings", "Subjects"), rows))
    if facts.commands:
        blocks.append(Code(facts.commands))
    return Section("run", title, tuple(blocks))


def case_section(inputs: ReportInputs) -> Section | None:
    """Single people, only where somebody asked for them by name."""
    if not inputs.cases:
        return None
    header = (
        *("Asked for", "Task", "Truth", "Probability", "Venn–Abers", "Not ruled out"),
        *("What the model read", "Note"),
    )
    rows = tuple(_case(case) for case in inputs.cases)
    warning = Text("These rows are about single people. Share this page accordingly.")
    return Section("cases", "Cases asked for by name", (warning, Table("Cases", header, rows)))


def _case(case: Case) -> tuple[str, ...]:
    answers = (
        DASH
        if case.answers is None
        else " and ".join(map(str, case.answers)) or "nothing: abstains"
    )
    return (
        *(case.name, case.task_id, DASH if case.label is None else str(case.label)),
        number(case.probability),
        _second(case.low, case.high),
        answers,
        case.dms_text or "nothing stated",
        "; ".join(case.notes),
    )

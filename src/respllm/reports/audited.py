"""What the audit asked of the model: inputs, question, matching, subgroups, shortcuts, leaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from respllm.audits.results import AuditResult, InputEffect
from respllm.evaluation.differences import Difference
from respllm.reports.document import Block, Missing, Plot, Section, Table, Text
from respllm.reports.formatting import listed, number, share, with_interval
from respllm.reports.inputs import ReportInputs
from respllm.reports.intervals import IntervalRow, interval_plot
from respllm.types import Score

NOT_AUDITED = "The run was not audited. `respllm audit RUN` fills this part."


def audit_sections(inputs: ReportInputs) -> list[Section]:
    """Six sections, in the order of the questions a reviewer asks."""
    parts: tuple[tuple[str, str, str, Callable[[AuditResult], Iterable[Block]]], ...] = (
        ("modalities", "What each input adds", "inputs", _inputs),
        ("question", "Does the question matter?", "questions", _questions),
        ("matched", "On matched people", "matched", _matched),
        ("subgroups", "Subgroups", "subgroups", _subgroups),
        ("shortcuts", "Shortcuts", "shortcuts", _shortcuts),
        ("leaks", "Leaks", "leaks", _leaks),
    )
    sections = []
    for key, title, field, blocks in parts:
        if inputs.audit is None:
            found: tuple[Block, ...] = (Missing(NOT_AUDITED),)
        elif not getattr(inputs.audit, field):
            found = (_nothing(inputs.audit, key),)
        else:
            found = tuple(blocks(inputs.audit))
        sections.append(Section(key, title, found))
    return sections


_AUDIT_OF = {"matched": "matching"}


def _nothing(audit: AuditResult, key: str) -> Block:
    """An audit without rows: its own sentences say whether nothing was found or looked for."""
    said = [one.text for one in audit.findings if one.audit == _AUDIT_OF.get(key, key)]
    if said:
        return Text(" ".join(said))
    return Missing("The audit holds nothing about this: it was not asked for or not possible.")


def _difference(one: Difference) -> str:
    return with_interval(one.value, one.low, one.high)


def _score(one: Score) -> str:
    return with_interval(one.value, one.low, one.high)


def _inputs(audit: AuditResult) -> Iterable[Block]:
    yield Text(
        "The input of another person in place of one's own: what the AUROC loses is what the "
        "input told about the person. Beside it, hollow, the input removed, which also makes the "
        "sequence unlike any in training."
    )
    for task in dict.fromkeys(row.task_id for row in audit.inputs):
        own = [row for row in audit.inputs if row.task_id == task]
        yield _losses(
            f"losses-{list(dict.fromkeys(r.task_id for r in audit.inputs)).index(task)}", task, own
        )
    yield Table(
        "AUROC lost, paired by subject",
        ("Task", "Input", "Change", "AUROC then", "Loss (95% interval)", "Note"),
        tuple(
            (
                *(row.task_id, row.input, row.change, number(row.changed)),
                *(_difference(row.loss), row.loss.note),
            )
            for row in audit.inputs
        ),
    )


def _losses(key: str, task: str, rows: list[InputEffect]) -> Plot:
    return interval_plot(
        key,
        f"{task}: AUROC lost when an input is not one's own",
        [
            IntervalRow(
                f"{row.input}, {row.change}",
                row.loss.value,
                row.loss.low,
                row.loss.high,
                hollow=row.change == "removed",
                second=row.change == "removed",
            )
            for row in rows
        ],
        axis="AUROC lost",
        reference=0,
        reference_name="no loss",
    )


def _questions(audit: AuditResult) -> Iterable[Block]:
    yield Text(
        "Another question asked of the same recordings. If the scores do not move, the model does "
        "not read the question, and zero-shot on a new condition is empty."
    )
    yield Table(
        "Answers to other questions",
        ("Task", "Question", "Words", "AUROC", "Rank correlation", "Loss (95% interval)"),
        tuple(
            (
                *(row.task_id, row.question, row.prompt, number(row.auroc)),
                *(number(row.correlation), _difference(row.loss)),
            )
            for row in audit.questions
        ),
    )


def _matched(audit: AuditResult) -> Iterable[Block]:
    yield Text(
        "Each person with the condition beside one without who is alike in what could give the "
        "answer away (as Coppock et al. 2024)."
    )
    yield Table(
        "AUROC before and after matching",
        ("Task", "Matched on", "Pairs", "Everybody", "Matched", "Note"),
        tuple(
            (
                *(row.task_id, listed(row.matched_on), str(row.pairs)),
                *(_score(row.unmatched), _score(row.matched), row.matched.note),
            )
            for row in audit.matched
        ),
    )


def _subgroups(audit: AuditResult) -> Iterable[Block]:
    yield Text(
        "Hollow: fewer than ten people of one class, to be read with care. The second colour marks "
        "the worst group of an attribute."
    )
    tasks = list(dict.fromkeys(row.task_id for row in audit.subgroups))
    for place, task in enumerate(tasks):
        yield interval_plot(
            f"subgroups-{place}",
            f"{task}: AUROC by subgroup",
            [
                IntervalRow(
                    f"{row.attribute}: {row.group}",
                    row.score.value,
                    row.score.low,
                    row.score.high,
                    hollow=row.small,
                    second=row.worst,
                )
                for row in audit.subgroups
                if row.task_id == task
            ],
            axis="AUROC",
            reference=0.5,
            reference_name="chance",
            limits=(0, 1.02),
        )
    yield Table(
        "AUROC by subgroup",
        ("Task", "Attribute", "Group", "Subjects (1/0)", "AUROC", "Flag", "Note"),
        tuple(
            (
                *(row.task_id, row.attribute, row.group),
                f"{row.score.n_subjects} ({row.score.n_positive}/{row.score.n_negative})",
                _score(row.score),
                ", ".join([*(["small"] if row.small else []), *(["worst"] if row.worst else [])]),
                row.score.note,
            )
            for row in audit.subgroups
        ),
    )


def _shortcuts(audit: AuditResult) -> Iterable[Block]:
    yield Text(
        "How well something that is no disease tells the answer, cross-validated by subject. "
        "Provenance is how a recording was made; an acoustic property can also be the disease."
    )
    yield Table(
        "Properties against the answer",
        ("Task", "Property", "Kind", "AUROC", "Corrected p", "Explains of the score", "Shortcut"),
        tuple(
            (
                *(row.task_id, row.property, row.kind, _score(row.auroc)),
                *(number(row.p_value), share(row.explains), "yes" if row.found else "no"),
            )
            for row in audit.shortcuts
        ),
    )


def _leaks(audit: AuditResult) -> Iterable[Block]:
    yield Table(
        "Recordings that are, or sound, the same where they must not be",
        ("Kind", "Tasks", "Parts", "Count"),
        tuple(
            (leak.kind, listed(leak.tasks), listed(leak.parts), str(leak.count))
            for leak in audit.leaks
        ),
        ("Which recordings these are stands in the audit's own file, not here.",),
    )

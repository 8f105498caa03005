"""What does each input add? It is taken from somebody else, or away.

The swap is the primary change: every input stays of the kind that the model knows. Removing an
input (no sound, no text, a field not stated) also takes the model to where it was never trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from respllm.audits.asking import Answered, Asked, Listener, logits_with, swapped_positions
from respllm.audits.results import Finding, InputEffect, Verdict
from respllm.audits.wording import interval, number
from respllm.prompts import dms_text
from respllm.tasks.selection import shown_dms
from respllm.types import Dms

DRAWS = 5
"""Swaps whose AUROCs are averaged."""

Give = Callable[[Dms, Dms], Dms]
FIELDS: dict[str, tuple[Callable[[Dms], object], Give]] = {
    "age": (lambda dms: dms.age, lambda own, other: replace(own, age=other.age)),
    "gender": (lambda dms: dms.gender, lambda own, other: replace(own, gender=other.gender)),
    "medical history": (
        lambda dms: dms.medical_history,
        lambda own, other: replace(own, medical_history=other.medical_history),
    ),
    "symptoms": (
        lambda dms: dms.symptoms,
        lambda own, other: replace(own, symptoms=other.symptoms),
    ),
    "recording location": (
        lambda dms: dms.recording_location,
        lambda own, other: replace(own, recording_location=other.recording_location),
    ),
}
"""Name of each field -> its value, and one person's DMS with another's value."""


def modalities(
    one: Answered, listener: Listener, seed: int
) -> tuple[list[InputEffect], list[Finding]]:
    """Swap and remove audio, text and each field that somebody in the task states.

    The same swaps of people are used for every input.
    """
    task_id = one.task.id
    if len(one.subjects) < 2:
        text = f"{task_id}: fewer than two people were heard, so nothing can be swapped."
        return [], [Finding("modalities", task_id, "not checked", text)]
    rng = np.random.default_rng([seed, *task_id.encode()])
    swaps = [swapped_positions(one, rng) for _ in range(DRAWS)]
    shown = [
        shown_dms(e.clip.record.dms, e.clip.record.dataset, one.protocol) for e in one.examples
    ]
    nobody = Dms()
    effects = [
        _effect(one, listener, "audio", swaps, lambda at, by, own: _heard(one, own, by)),
    ]
    if any(example.dms_text for example in one.examples):
        effects.append(
            _effect(one, listener, "text", swaps, lambda at, by, own: _read(one, own, by))
        )
    for name, (value, give) in FIELDS.items():
        if all(value(dms) is None for dms in shown):
            continue

        def change(at: int, by: int | None, own: Asked, give: Give = give) -> Asked:
            other = nobody if by is None else shown[by]
            return replace(own, text=dms_text(give(shown[at], other)))

        effects.append(_effect(one, listener, name, swaps, change))
    rows = [row for pair in effects for row in pair]
    return rows, _findings(one, rows)


def _heard(one: Answered, own: Asked, by: int | None) -> Asked:
    return replace(own, heard=None if by is None else one.positions[by])


def _read(one: Answered, own: Asked, by: int | None) -> Asked:
    return replace(own, text="" if by is None else one.examples[by].dms_text)


def _effect(
    one: Answered,
    listener: Listener,
    name: str,
    swaps: list[list[int]],
    change: Callable[[int, int | None, Asked], Asked],
) -> tuple[InputEffect, InputEffect]:
    """The swapped row and the removed row of one input."""
    swapped = [
        logits_with(one, listener, lambda at, own, by=by: change(at, by[at], own))  # type: ignore[misc]
        for by in swaps
    ]
    removed = logits_with(one, listener, lambda at, own: change(at, None, own))
    return (
        InputEffect(one.task.id, name, "swapped", *one.compare(swapped)),
        InputEffect(one.task.id, name, "removed", *one.compare([removed])),
    )


def _findings(one: Answered, rows: list[InputEffect]) -> list[Finding]:
    """One sentence about the sound and one about the text."""
    task_id, found = one.task.id, []
    verdict: Verdict
    swapped = {row.input: row for row in rows if row.change == "swapped"}
    for name, words in (("audio", "sound"), ("text", "text")):
        row = swapped.get(name)
        if row is None:
            text = f"{task_id}: nobody states anything, so the model reads no text about them."
            found.append(Finding("modalities", task_id, "not checked", text))
            continue
        loss = row.loss
        if loss.value is None or loss.low is None or loss.high is None:
            text = f"{task_id}: what the {words} adds is undefined: {loss.note or 'no interval'}."
            found.append(Finding("modalities", task_id, "not checked", text))
            continue
        told = (
            f"with somebody else's {words} the AUROC falls by "
            f"{interval(loss.value, loss.low, loss.high)}, to {number(row.changed)}"
        )
        if loss.low > 0:
            text, verdict = f"{task_id}: the {words} counts: {told}.", "fine"
        else:
            text = f"{task_id}: nothing shows that the {words} counts: {told}."
            verdict = "problem" if name == "audio" else "note"
        found.append(Finding("modalities", task_id, verdict, text))
    return found

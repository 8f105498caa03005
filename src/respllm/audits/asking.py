"""Ask a model about test recordings in other ways than the test did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from respllm.batching import ExampleSet, Heard
from respllm.evaluation import ScoredClip, auroc_score
from respllm.evaluation.differences import Difference, paired_difference
from respllm.evaluation.units import scored_units
from respllm.models import Checkpoint, predict_logits
from respllm.tasks import Task
from respllm.types import Example, ProtocolName, Unit


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model is given once.

    Attributes:
        heard: position of the example whose sound is played; None plays nothing (zero tokens).
        prompt: X_p.
        text: X_d.
    """

    heard: int | None
    prompt: str
    text: str


class Listener:
    """A model with everything it may hear; the same thing is never computed twice."""

    def __init__(self, checkpoint: Checkpoint, heard: Heard) -> None:
        self.examples = heard.examples
        self._checkpoint = checkpoint
        self._tokens = heard.tokens
        self._known: dict[Asked, float] = {}

    def own(self, position: int) -> Asked:
        """The example at this position as it is."""
        example = self.examples[position]
        return Asked(position, example.prompt_text, example.dms_text)

    def logits(self, asked: Sequence[Asked]) -> np.ndarray:
        """Log-odds of 1 for each, (n,) float64."""
        new = [one for one in dict.fromkeys(asked) if one not in self._known]
        if new:
            examples = ExampleSet(
                [
                    replace(
                        self.examples[one.heard or 0], prompt_text=one.prompt, dms_text=one.text
                    )
                    for one in new
                ],
                lambda rows: self._sounds([new[int(row)].heard for row in rows]),
                self._checkpoint.tokenizer,
            )
            found = predict_logits(self._checkpoint.model, examples)
            self._known.update(zip(new, found.tolist(), strict=True))
        return np.array([self._known[one] for one in asked])

    def _sounds(self, positions: Sequence[int | None]) -> np.ndarray:
        tokens = self._tokens([position or 0 for position in positions])
        tokens[[position is None for position in positions]] = 0
        return tokens


@dataclass(frozen=True, slots=True)
class Answered:
    """One task's test examples and what the model answered.

    Attributes:
        task: the task.
        trained: whether the model learned from it.
        protocol: data choices.
        positions: of its examples in the listener.
        examples: those examples; every one has a label.
        clips: their scores, in the same order.
        unit: what one score belongs to; None is the largest that the labels allow.
    """

    task: Task
    trained: bool
    protocol: ProtocolName
    positions: tuple[int, ...]
    examples: tuple[Example, ...]
    clips: tuple[ScoredClip, ...]
    unit: Unit | None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The people, in order of their first example."""
        return tuple(dict.fromkeys(e.clip.record.subject_id for e in self.examples))

    def scored(self, logits: np.ndarray) -> list[ScoredClip]:
        """Its clips with other scores (n,)."""
        return [
            replace(clip, logit=logit)
            for clip, logit in zip(self.clips, logits.tolist(), strict=True)
        ]

    def compare(self, changed: Sequence[np.ndarray]) -> tuple[float | None, Difference]:
        """AUROC of other scores, K arrays (n,) whose AUROCs are averaged, and what is lost."""
        runs = [self.scored(logits) for logits in changed]
        own = scored_units([[self.clips]] * len(runs), self.unit)
        other = scored_units([[run] for run in runs], self.unit)
        found = [auroc_score(run, self.unit).value for run in runs]
        values = [value for value in found if value is not None]
        value = fmean(values) if len(values) == len(found) else None
        # The same model under two conditions: its draws are not runs of training.
        return value, paired_difference(own, other, same_runs=True)


def answered(task: Task, listener: Listener, *, trained: bool, protocol: ProtocolName) -> Answered:
    """Ask a task's own question about its own examples."""
    positions = tuple(
        i
        for i, example in enumerate(listener.examples)
        if example.task_id == task.id and example.label is not None
    )
    examples = tuple(listener.examples[i] for i in positions)
    logits = listener.logits([listener.own(i) for i in positions]).tolist()
    clips = tuple(ScoredClip.of(e, logit) for e, logit in zip(examples, logits, strict=True))
    # The paper counts recordings, whoever made them.
    unit: Unit | None = "recording" if protocol == "paper" else None
    return Answered(task, trained, protocol, positions, examples, clips, unit)


def swapped_positions(one: Answered, rng: np.random.Generator) -> list[int]:
    """For each example, the place (in `one.examples`) of an example of somebody else.

    People stand in a circle in random order and each takes over what the next one has, so nobody
    keeps what is theirs; the takeover is of the person as a whole. There must be two people.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(one.examples):
        places[example.clip.record.subject_id].append(place)
    circle = [one.subjects[i] for i in rng.permutation(len(one.subjects))]
    donor = dict(zip(circle, [*circle[1:], circle[0]], strict=True))
    taken: dict[str, int] = defaultdict(int)
    chosen = []
    for example in one.examples:
        subject = example.clip.record.subject_id
        offered = places[donor[subject]]
        chosen.append(offered[taken[subject] % len(offered)])
        taken[subject] += 1
    return chosen


def logits_with(
    one: Answered, listener: Listener, change: Callable[[int, Asked], Asked]
) -> np.ndarray:
    """Scores (n,) after `change(place, asked)` of every example."""
    return listener.logits(
        [change(place, listener.own(position)) for place, position in enumerate(one.positions)]
    )

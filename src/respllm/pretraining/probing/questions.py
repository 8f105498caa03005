"""What is probed: the clips and answers of every task that a data root has recordings for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from respllm.audio import AudioIndex
from respllm.config import parse
from respllm.datasets import load_contents
from respllm.errors import DataError
from respllm.tasks import Task, builtin_tasks
from respllm.tasks.candidate import Candidate
from respllm.tasks.clean import contradictory_copies
from respllm.tasks.clips import cut
from respllm.tasks.removed import Removed
from respllm.types import Clip, Example, Record

CYCLES = "abnormal-cycle"
TRANSFER = "->"
KAUH_DISEASED = "kauh-diseased"
_COUGHS = "covid19_cough/metadata.json"


@dataclass(frozen=True, slots=True)
class Question:
    """One row of a table of probes.

    Attributes:
        id: of the task; "A->B" is learned on A and answered for B.
        title: what is asked of whom.
        train: labelled clips. Without `test`, people are cross-validated.
        test: labelled clips of other people, asked about once; None cross-validates.
        final: whether it looks at people who are held out for the end: KAUH, ICBHI's test part,
            the call centre's coughs. No choice may rest on it.
    """

    id: str
    title: str
    train: tuple[Example, ...]
    test: tuple[Example, ...] | None = None
    final: bool = False


def questions(data_root: Path, own: Sequence[Task], final: bool) -> Iterator[Question]:
    """Every question that the data root has recordings for, without an answer to any.

    Source tasks are asked among the people of their training and validation parts; the test part
    of a source, and every target, is held out for the end.

    Args:
        data_root: holds one folder per dataset.
        own: further tasks, from task files.
        final: whether to ask about people held out for the end too.

    Raises:
        DataError: a dataset is not as published.
    """
    there = [t for t in builtin_tasks().values() if _there(t, data_root)]
    if (data_root / "icbhi").is_dir():
        yield from _cycles(data_root, final)
    for task in (*there, *_coughs(data_root), *own):
        held_out = task.role == "target" or task.id == "covid-cough-call-centre"
        if final or not held_out:
            yield _question(task, data_root, held_out)
    if final and (data_root / "icbhi").is_dir() and (data_root / "kauh").is_dir():
        yield from _onto_kauh(data_root)


def _there(task: Task, data_root: Path) -> bool:
    return task.dataset is not None and (data_root / task.dataset.name).is_dir()


def _coughs(data_root: Path) -> list[Task]:
    if not (data_root / _COUGHS).is_file():
        return []
    text = files("respllm.pretraining.probing").joinpath("coughs.yaml").read_text(encoding="utf-8")
    return [parse(row, Task, where="coughs.yaml") for row in yaml.safe_load(text)]


def _question(task: Task, data_root: Path, held_out: bool) -> Question:
    parts = task.select(data_root, "clean").parts
    # Without a published split nobody has been held out, and everybody can be cross-validated.
    whole = task.role == "target" or (task.table is not None and task.table.split_column is None)
    chosen = ("train", "validation", "test") if whole else ("train", "validation")
    examples = tuple(e for part in chosen for e in parts[part])  # type: ignore[index]
    title = f"{task.condition_name}: {task.sound}, {task.dataset_name}"
    return Question(task.id, title, examples, None, held_out)


def _records(name: str, data_root: Path) -> list[Record]:
    """A dataset's recordings, without those of people who were removed."""
    candidates = [Candidate(record, None) for record in load_contents(name, data_root).records]
    kept, _, _ = Removed.read(data_root).leave_out(candidates, str, AudioIndex())
    return [candidate.record for candidate in kept]


def _cycles(data_root: Path, final: bool) -> Iterator[Question]:
    """Any crackle or wheeze in a breathing cycle; a person of the test part is in no other."""
    records = [r for r in _records("icbhi", data_root) if r.events]
    tested = {r.subject_id for r in records if r.splits.get("official") == "test"}
    train = tuple(_cycles_of(r for r in records if r.subject_id not in tested))
    if not train:
        return
    title = "any crackle or wheeze in a cycle, ICBHI"
    yield Question(CYCLES, f"{title}, training patients", train)
    test = tuple(_cycles_of(r for r in records if r.subject_id in tested))
    if final and test:
        yield Question(
            f"{CYCLES}{TRANSFER}test", f"{title}, training -> test patients", train, test, True
        )


def _cycles_of(records: Iterator[Record]) -> Iterator[Example]:
    for record in records:
        for event in record.events:
            clip = Clip(record, event.start, event.stop)
            yield Example(CYCLES, clip, "", "", int(event.crackle or event.wheeze))


def _onto_kauh(data_root: Path) -> Iterator[Question]:
    """Learned on ICBHI's training people, answered for KAUH: another hospital and device."""
    kauh = _records("kauh", data_root)
    diseased = _whole(kauh, KAUH_DISEASED, lambda r: r.labels.get("diseased"))
    yield Question(KAUH_DISEASED, "diseased or healthy, KAUH", diseased, None, True)
    records = _records("icbhi", data_root)
    tested = {r.subject_id for r in records if r.splits.get("official") == "test"}
    cycles = tuple(_cycles_of(r for r in records if r.subject_id not in tested))
    if cycles:
        title = "abnormal cycle, ICBHI -> diseased, KAUH"
        yield Question(f"{CYCLES}{TRANSFER}{KAUH_DISEASED}", title, cycles, diseased, True)
    tasks = builtin_tasks()
    source, target = (tasks[name].select(data_root, "clean").parts for name in ("S7", "T5"))
    train = (*source["train"], *source["validation"])
    yield Question(f"S7{TRANSFER}T5", "COPD, ICBHI -> KAUH", train, target["test"], True)


def _whole(
    records: Sequence[Record], task_id: str, label_of: Callable[[Record], int | None]
) -> tuple[Example, ...]:
    index = AudioIndex()
    labelled = [(record, label_of(record)) for record in records]
    candidates = [Candidate(record, label) for record, label in labelled if label is not None]
    left_out = {one.record_id for one in contradictory_copies(candidates, index)}
    kept = [c for c in candidates if c.record.record_id not in left_out]
    facts = index.facts_of([c.record.audio_path for c in kept])
    found = tuple(
        Example(task_id, clip, "", "", c.label)
        for c in kept
        for clip in cut(c.record, facts[c.record.audio_path].seconds)
    )
    if not found:
        raise DataError("No recording of KAUH is labelled", where=task_id)
    return found

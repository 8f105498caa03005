"""Test a run: its training tasks on held-out people, and other tasks zero-shot."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from respllm.audio import AudioIndex
from respllm.batching import ExampleSet, Heard, cut_note, hear
from respllm.encoders import AudioEncoder
from respllm.errors import SafetyError
from respllm.evaluation import (
    ResultRow,
    ScoredClip,
    auroc_score,
    paper_auroc,
    rows_to_frame,
    rows_to_markdown,
    trivial_scores,
    write_rows,
    write_scores,
)
from respllm.inference.looks import log_look
from respllm.inference.prediction_file import new_file, write_predictions
from respllm.inference.predictor import SIMULATED_MODEL, probability
from respllm.inference.question import Question
from respllm.inference.scoring import SCORES, score_rows
from respllm.models import Checkpoint, predict_logits
from respllm.prompts import task_prompt
from respllm.simulation import best_logits, is_simulated
from respllm.tasks import Learned, Selection, Task
from respllm.types import Example, Prediction, ProtocolName, Unit

ROWS = "rows.json"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a test gave.

    Attributes:
        rows: one per task.
        predictions: one per recording, all tasks.
        folder: where tables and predictions were written.
        simulated: whether the tested recordings are simulated.
    """

    rows: tuple[ResultRow, ...]
    predictions: tuple[Prediction, ...]
    folder: Path
    simulated: bool


def evaluate(
    checkpoint: Checkpoint,
    encoder: AudioEncoder,
    tasks: Sequence[Task],
    data_root: Path,
    out: Path,
    *,
    name: str,
    protocol: ProtocolName,
    learned: Learned,
    validation: Sequence[Example] = (),
    choice: str = "",
    allow_simulated_model: bool = False,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Test a model on the test parts of tasks, write what it answered, and log the look.

    Scores, predictions and the table are written to `out`/`protocol`; every look at a test part is
    a line in `out`/looks.jsonl.

    Args:
        tasks: those the model was trained on are held-out tests; the others are zero-shot.
        data_root: holds one folder per dataset.
        out: the folder for results.
        name: of the run, for the table's title.
        protocol: data choices; "clean" results and "paper" results never share a table.
        learned: whom the model learned from. Under "clean" they are left out of every test part,
            under "paper" they stay, as published; either way the row says so.
        validation: examples that the model was selected by. Their scores are kept beside the test
            parts', for thresholds and calibration; no row is made of them.
        choice: names a choice of tasks, whose results are kept beside those of all.
        allow_simulated_model: test a model that was trained on simulated recordings on real ones.
        strict: stop at the first recording that cannot be heard, instead of skipping it.
        progress: called with (clips heard, clips in all).

    Raises:
        SafetyError: a model trained on simulated recordings, real recordings.
    """
    heard_before = None if encoder.heard is None else Learned.read(encoder.heard)
    selections = {
        task.id: encoder_heard(held_out(task.select(data_root, protocol), learned), heard_before)
        for task in tasks
    }
    folders = {
        example.clip.record.audio_path.parent
        for selection in selections.values()
        for example in selection.parts["test"]
    }
    marked = [is_simulated(folder) for folder in folders]
    simulated = any(marked)
    if checkpoint.config.simulated and not all(marked):
        if not allow_simulated_model:
            raise SafetyError(
                "This model was trained on simulated recordings and some of these are real",
                next_step="train on real recordings; or pass --allow-simulated-model to see "
                "numbers that mean nothing",
            )
        selections = {
            i: replace(s, notes=(*s.notes, SIMULATED_MODEL)) for i, s in selections.items()
        }
    clips = {task_id: len(s.parts["test"]) for task_id, s in selections.items()}
    log_look(out, checkpoint.model_id, protocol, "test", {"test_clips": clips})
    tested = [e for task in tasks for e in selections[task.id].parts["test"]]
    everything = hear([*tested, *validation], encoder, strict=strict, progress=progress)
    in_test = {id(example) for example in tested}
    heard = everything.where(lambda example: id(example) in in_test)
    held_back = everything.where(lambda example: id(example) not in in_test)
    answered = _logits(checkpoint, heard)
    truth = best_logits(data_root) if is_simulated(data_root) else {}
    by_task: dict[str, list[tuple[Example, float]]] = defaultdict(list)
    for example, logit in zip(heard.examples, answered, strict=True):
        by_task[example.task_id].append((example, logit))
    rows, predictions = [], []
    for task in tasks:
        answers = by_task[task.id]
        predictions += _predictions(checkpoint, task, answers)
        rows.append(
            _row(
                checkpoint,
                task,
                answers,
                selections[task.id],
                heard,
                truth,
            )
        )
    folder = out / (f"{protocol}-{choice}" if choice else protocol)
    source = "+".join(task.id for task in checkpoint.config.tasks if task.role == "source")
    scores = score_rows(source, "test", heard.examples, answered)
    scores += score_rows(source, "validation", held_back.examples, _logits(checkpoint, held_back))
    _write(folder, rows, predictions, heard, title=name, simulated=simulated)
    write_scores(folder / SCORES, scores)
    write_rows(folder / ROWS, rows)
    return Evaluation(tuple(rows), tuple(predictions), folder, simulated)


def _logits(checkpoint: Checkpoint, heard: Heard) -> list[float]:
    if not heard.examples:
        return []
    example_set = ExampleSet(heard.examples, heard.tokens, checkpoint.tokenizer)
    return predict_logits(checkpoint.model, example_set).tolist()


def held_out(selection: Selection, learned: Learned) -> Selection:
    """The test part without anybody the model learned from, or with a note that they are there."""
    known = learned.among(selection.parts["test"])
    if not known:
        return selection
    if selection.protocol == "paper":
        note = f"the model learned from people of {len(known)} of these recordings, as published"
        return replace(selection, notes=(*selection.notes, note))
    kept = tuple(e for e in selection.parts["test"] if e.clip.record.record_id not in known)
    note = f"{len(known)} recordings left out: the model learned from these people or sounds"
    return replace(
        selection,
        parts={**selection.parts, "test": kept},
        notes=(*selection.notes, note),
    )


def encoder_heard(selection: Selection, heard: Learned | None) -> Selection:
    """The same with a note, if the encoder's pretraining heard any of these people or sounds."""
    known = heard.among(selection.parts["test"]) if heard else ()
    if not known:
        return selection
    note = f"the audio encoder heard {len(known)} of these recordings or people, without answers"
    return replace(selection, notes=(*selection.notes, note))


def _predictions(
    checkpoint: Checkpoint, task: Task, answers: Sequence[tuple[Example, float]]
) -> list[Prediction]:
    """One prediction per recording: the mean over its clips."""
    known = checkpoint.config.asked(task.id, task_prompt(task))
    recordings: dict[str, list[tuple[Example, float]]] = defaultdict(list)
    for example, logit in answers:
        recordings[example.clip.record.record_id].append((example, logit))
    predictions = []
    for record_id, clips in recordings.items():
        example = clips[0][0]
        logits = tuple(logit for _, logit in clips)
        question = Question(task.id, example.prompt_text, known)
        labels = {clip.label for clip, _ in clips}
        predictions.append(
            Prediction(
                task_id=task.id,
                record_id=record_id,
                subject_id=example.clip.record.subject_id,
                logit=fmean(logits),
                probability=probability(fmean(logits), question),
                label=labels.pop() if len(labels) == 1 else None,
                model_id=checkpoint.model_id,
                clip_logits=logits,
                validated=known is not None,
                notes=question.notes,
            )
        )
    return predictions


def _row(
    checkpoint: Checkpoint,
    task: Task,
    answers: Sequence[tuple[Example, float]],
    selection: Selection,
    heard: Heard,
    truth: Mapping[tuple[str, str], float],
) -> ResultRow:
    known = checkpoint.config.asked(task.id, task_prompt(task))
    scored = [
        ScoredClip.of(example, logit) for example, logit in answers if example.label is not None
    ]
    # The paper counts recordings, whoever made them.
    unit: Unit | None = "recording" if selection.protocol == "paper" else None
    tested = {e.clip.record.record_id for e in selection.parts["test"]}
    answered = {clip.record_id for clip in scored}
    notes = [*selection.notes]
    if not selection.subjects_known:
        notes.append("subjects unknown: identical recordings count as one person")
    if "text" in checkpoint.config.model.inputs:
        cut = cut_note((example for example, _ in answers), checkpoint.tokenizer)
        notes += [cut] if cut else []
    return ResultRow(
        task_id=task.id,
        dataset=task.dataset_name,
        condition=task.condition_name,
        sound=task.sound,
        role="trained" if known and known.role == "source" else "zero-shot",
        split="test",
        protocol=selection.protocol,
        score=auroc_score(scored, unit),
        best_reachable=_best_reachable(scored, truth, unit),
        paper=paper_auroc(task.id),
        trivial=_trivial(answers),
        skipped=len(tested - answered),
        note="; ".join(notes),
    )


def _best_reachable(
    scored: Sequence[ScoredClip], truth: Mapping[tuple[str, str], float], unit: Unit | None
) -> float | None:
    """AUROC of the exact posterior on the same recordings; None where the truth is not known."""
    keys = [(clip.task_id, clip.record_id) for clip in scored]
    if not truth or any(key not in truth for key in keys):
        return None
    best = [replace(clip, logit=truth[key]) for clip, key in zip(scored, keys, strict=True)]
    return auroc_score(best, unit).value


def _trivial(answers: Sequence[tuple[Example, float]]) -> dict:
    """What age, sex, number of symptoms and sampling rate alone reach on the same recordings."""
    records = {e.clip.record.record_id: e.clip.record for e, _ in answers}
    labels: dict[str, int] = {}
    for example, _ in answers:
        record_id = example.clip.record.record_id
        labels[record_id] = max(int(example.label or 0), labels.get(record_id, 0))
    facts = AudioIndex().facts_of(record.audio_path for record in records.values())
    rates = {
        record_id: rate
        for record_id, record in records.items()
        if (rate := facts[record.audio_path].sample_rate) is not None
    }
    return trivial_scores(list(records.values()), labels, rates)


def _write(
    folder: Path,
    rows: Sequence[ResultRow],
    predictions: Iterable[Prediction],
    heard: Heard,
    *,
    title: str,
    simulated: bool,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with new_file(folder / "scores.csv") as file:
        rows_to_frame(rows).to_csv(file, index=False)
    with new_file(folder / "table.md") as file:
        file.write(rows_to_markdown(rows, title, simulated))
    write_predictions(folder / "predictions.csv", predictions)
    with new_file(folder / "skipped.csv") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "reason"])
        writer.writerows([one.clip_id, one.reason] for one in heard.skipped)

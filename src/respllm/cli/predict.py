"""`respllm predict`: answer for one recording, a folder or a table."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import AllowSimulated, Strict
from respllm.cli.output import JsonFlag, err, out, plain, print_json, progress_bar
from respllm.errors import ConfigError, DataError, unknown_answer, unknown_name
from respllm.types import Dms, Precision

if TYPE_CHECKING:
    from respllm.inference import Question, Request
    from respllm.inference.answer import Answer, Contributions
    from respllm.inference.answering import Answerer

AUDIO_SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".webm", ".mp4"}
TABLE_SUFFIXES = {".csv", ".tsv", ".parquet", ".jsonl", ".json"}
RUN_PLACES = ("runs/*/model/config.json", "demo/run/model/config.json")


def predict(
    source: Annotated[Path, typer.Argument(help="A recording, a folder of them, or a table.")],
    task: Annotated[str | None, typer.Option(help="Task id or task file.")] = None,
    condition: Annotated[
        str | None, typer.Option(help="Instead: a condition that no task names (unvalidated).")
    ] = None,
    sound: Annotated[str | None, typer.Option(help='With --condition: "lung sounds".')] = None,
    run: Annotated[
        str | None, typer.Option(help="Run folder or hub id. Default: the newest run here.")
    ] = None,
    age: Annotated[str | None, typer.Option(help="Years, or a band such as 45-64.")] = None,
    gender: Annotated[str | None, typer.Option(help="F, M or other.")] = None,
    history: Annotated[
        str | None, typer.Option(help='Comma-separated; "none" if the person stated none.')
    ] = None,
    symptoms: Annotated[
        str | None, typer.Option(help='Comma-separated; "none" if the person stated none.')
    ] = None,
    location: Annotated[
        str | None, typer.Option(help='Of a lung sound: "right posterior chest".')
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="For folders and tables: .csv or .json.")
    ] = None,
    encoder_checkpoint: Annotated[
        Path | None, typer.Option(help="Local weights of the audio encoder.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16: faster, and answers differ a little.")
    ] = "float32",
    allow_simulated_model: AllowSimulated = False,
    strict: Strict = False,
    json: JsonFlag = False,
) -> None:
    """Answer a question about recordings. Research only, never a diagnosis."""
    if not source.exists():
        raise DataError(f"{source} does not exist", next_step="check the path")
    if out_file is not None and not out_file.parent.is_dir():
        raise ConfigError(f"The folder of --out does not exist: {out_file.parent}")
    many = source.is_dir() or source.suffix.lower() in TABLE_SUFFIXES
    dms = _dms(age, gender, history, symptoms, location)
    if many and source.is_file() and dms != Dms():
        raise ConfigError(
            "What people stated is read from the table's columns, not from options",
            next_step="remove --age, --gender, --history, --symptoms and --location",
        )
    if precision not in get_args(Precision):
        raise ConfigError(unknown_name("precision", precision, get_args(Precision)))
    chosen = run or _newest_run()
    with libraries():
        from respllm.inference import Request
        from respllm.inference.answering import Answerer
        from respllm.models import default_device

    answerer = Answerer.from_pretrained(
        chosen,
        device=default_device(),
        encoder_checkpoint=encoder_checkpoint,
        precision=cast(Precision, precision),
        allow_simulated_model=allow_simulated_model,
    )
    if not many:
        if out_file is not None:
            raise ConfigError("--out is for folders and tables", next_step="use --json")
        question = answerer.question(task, condition, sound)
        heard = answerer.hear(Request(source, dms, source.name, source.name))
        answer = answerer.answer([(heard, question)])[0]
        if json:
            print_json(_with_disclaimer(answer))
        else:
            _print_one(answer, task or condition or "", chosen)
        return
    question = answerer.question(task, condition, sound)
    _predict_many(source, dms, answerer, question, out_file, strict, json)


def _predict_many(
    source: Path,
    dms: Dms,
    answerer: Answerer,
    question: Question,
    out_file: Path | None,
    strict: bool,
    json: bool,
) -> None:
    from respllm.evaluation import DISCLAIMER
    from respllm.inference import Refusal
    from respllm.inference.prediction_file import (
        dump_predictions,
        write_answers,
        write_predictions_json,
    )

    count, requests = _requests(source, dms)
    if out_file is None and not json:
        raise ConfigError("Many recordings need a place for the answers", next_step="add --out")
    if out_file is not None and out_file.suffix not in {".csv", ".json"}:
        raise ConfigError(
            f"Unknown kind of file {out_file}", expected="--out ending in .csv or .json"
        )
    refusals: list[Refusal] = []

    def answers() -> Iterator[Answer]:
        with progress_bar("predicting") as progress:
            for done, answer in enumerate(answerer.answer_many(requests, question), start=1):
                progress(done, count)
                if not isinstance(answer, Refusal):
                    yield answer
                elif strict:
                    raise DataError(answer.reason, where=answer.record_id)
                else:
                    refusals.append(answer)

    if out_file is None:
        # Printed when all are there: half a JSON object would help nobody.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            dump_predictions(file, answers(), refusals)
            file.seek(0)
            shutil.copyfileobj(file, sys.stdout)
        return
    if out_file.suffix == ".csv":
        answered = write_answers(out_file, answers(), answerer.calibrates(question))
    else:
        answered = write_predictions_json(out_file, answers(), refusals)
    for refusal in refusals:
        err.print(f"skipped {refusal.record_id}: {refusal.reason}", highlight=False)
    for note in question.notes:
        out.print(note)
    out.print(f"{answered} answered, {len(refusals)} skipped: {out_file}", highlight=False)
    out.print(DISCLAIMER)


def _requests(source: Path, dms: Dms) -> tuple[int, Iterator[Request]]:
    """How many recordings there are, and each as it is asked for."""
    from respllm.inference import Request

    if source.is_dir():
        names = _recordings(source)
        return len(names), (Request(source / name, dms, name, name) for name in names)
    from respllm.datasets.table_source import TableSource
    from respllm.datasets.table_stream import stream_table

    table = stream_table(
        TableSource(table=Path(source.name), label_column=None),
        dataset=source.stem,
        base=source.parent,
    )
    for name in table.missing:
        err.print(f"skipped {name}: the audio file is missing", highlight=False)
    records = (row.record for row in table.rows())
    return table.count, (Request(r.audio_path, r.dms, r.record_id, r.subject_id) for r in records)


def _recordings(folder: Path) -> list[str]:
    """Paths in a folder, relative to it, in order; text takes less memory than `Path`."""
    names = [
        os.path.relpath(os.path.join(place, name), folder)
        for place, _, files in os.walk(folder)
        for name in files
        if os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES
    ]
    if not names:
        raise DataError(
            f"No recording in {folder}", expected=f"files {', '.join(sorted(AUDIO_SUFFIXES))}"
        )
    return sorted(names, key=lambda name: name.split(os.sep))


def _print_one(answer: Answer, asked: str, run: str) -> None:
    from respllm.evaluation import DISCLAIMER
    from respllm.inference.prediction_file import told_about, verdict_word

    prediction, known, found = answer.prediction, answer.question.known, answer.calibrated
    what = f"{asked} ({known.condition})" if known else asked
    if found is not None and answer.verdict is not None:
        out.print(
            f"{what}: probability {found.probability:.2f}, interval {found.low:.2f} to "
            f"{found.high:.2f}",
            style="bold",
            highlight=False,
        )
        out.print(
            f"  calibrated (Venn-Abers, one score per {found.unit}) on "
            f"{found.n_positive} validation people with and {found.n_negative} without; the "
            f"model's own number: {prediction.probability:.3f}",
            highlight=False,
        )
        meaning = ": the recording is no clear case" if answer.verdict.abstains else ""
        out.print(
            f"  verdict at {answer.verdict.level:.0%}: {verdict_word(answer.verdict)}{meaning}",
            highlight=False,
        )
    else:
        name = "probability" if prediction.validated else "score"
        style = "bold" if prediction.validated else None
        out.print(f"{what}: {name} {prediction.probability:.3f}", style=style, highlight=False)
        if prediction.validated:  # the notes say so of other questions
            out.print(f"  {answer.why_uncalibrated}", highlight=False)
    if answer.contributions is not None:
        out.print(f"  {_told(answer.contributions)}", highlight=False)
    for note in told_about(answer):
        out.print(note, style="yellow", highlight=False)
    clips = len(prediction.clip_logits)
    out.print(
        f"{prediction.record_id}, {clips} clip{'s' if clips > 1 else ''}, model "
        f"{prediction.model_id} from {run}",
        style="dim",
        highlight=False,
    )
    out.print(DISCLAIMER)


def _told(found: Contributions) -> str:
    return (
        f"log-odds: this question alone {found.base:+.2f}, sound {found.audio:+.2f}, stated words "
        f"{found.text:+.2f}"
    )


def _with_disclaimer(answer: Answer) -> dict:
    from respllm.evaluation import DISCLAIMER
    from respllm.inference.prediction_file import entries

    return {**plain(entries(answer, texts=True)), "notice": DISCLAIMER}


def _newest_run() -> str:
    found = [path for place in RUN_PLACES for path in Path().glob(place)]
    if not found:
        raise ConfigError(
            "There is no trained run here",
            expected="runs/<name> or demo/run in the current folder, or --run",
            next_step="run `respllm demo`, or `respllm train CONFIG`",
        )
    return str(max(found, key=lambda path: path.stat().st_mtime).parent.parent)


def _dms(
    age: str | None,
    gender: str | None,
    history: str | None,
    symptoms: str | None,
    location: str | None,
) -> Dms:
    from respllm.datasets.vocabulary import GENDER_CODES, MEDICAL_HISTORY, SYMPTOMS

    if gender is not None and gender.strip().lower() not in GENDER_CODES:
        raise ConfigError(unknown_answer("gender", gender, GENDER_CODES))
    return Dms(
        gender=None if gender is None else GENDER_CODES[gender.strip().lower()],
        age=None if age is None else _age(age),
        medical_history=_items(history, "history", MEDICAL_HISTORY),
        symptoms=_items(symptoms, "symptom", SYMPTOMS),
        recording_location=location,
    )


def _age(text: str) -> float | str:
    try:
        years = float(text)
    except ValueError:
        return text.strip()
    if not 0 <= years <= 130:
        raise ConfigError("The age in years is not possible", expected="0 to 130, or a band")
    return years


def _items(text: str | None, kind: str, known: tuple[str, ...]) -> tuple[str, ...] | None:
    if text is None:
        return None
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    if [item.lower() for item in items] == ["none"]:
        return ()
    for place, item in enumerate(items, start=1):
        if item not in known:
            # Free words are allowed; a misspelling should be seen.
            told = unknown_answer(f"{kind} (item {place})", item, known)
            err.print(f"note: {told}", highlight=False, style="yellow")
    return items

"""What patients said stands in no error, log, progress or result: only places and expectations.

Ids and file names may; answers may not. Every cell of every table is given answers that no reader
accepts, or that it accepts and must not repeat.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from respllm.datasets import load_contents
from respllm.datasets.table import TableSource, read_table
from respllm.errors import DataError
from tests.audio.sounds import noise, write
from tests.cli.conftest import Run
from tests.datasets.layouts import WRITERS
from tests.security.sentinels import VALUES, WORD, YEARS, leaks, told
from tests.tasks.making import WORDS, own_rows, own_table

ANSWERS = (
    *("gender", "age", "medical_history", "symptoms", "recording_location"),
    *("device", "site", "language", "recruitment", "start", "stop", "label", "part"),
)
IDS = {
    *("id", "participant_identifier", "Uid", "uid", "Folder Name"),
    *(f"{sound} filename" for sound in ("Voice", "Cough", "Breath")),
    *(f"{sound}_file_name" for sound in ("exhalation", "cough", "three_cough")),
}
"""Columns that name a person or a file."""


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix in {".csv", ".tsv"}:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=",\t"[path.suffix == ".tsv"])
            writer.writeheader()
            writer.writerows(rows)
    else:
        lines = [json.dumps(row) for row in rows]
        path.write_text("\n".join(lines) if path.suffix == ".jsonl" else f"[{','.join(lines)}]")


def own(path: Path, **changes: Any) -> DataError | None:
    """What reading an own table gives, if it is an error."""
    source = TableSource(
        table=Path(path.name), **({"subject_column": "who", "split_column": "part"} | changes)
    )
    return refusal(
        lambda: read_table(source, dataset="mine", sound_type="s", label="label", base=path.parent)
    )


def refusal(work: Callable[[], object]) -> DataError | None:
    """The error that work ends with, if it does."""
    try:
        work()
    except DataError as error:
        return error
    return None


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_cells_of_an_own_table(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "a.wav", noise(1, 0))
    good = {"audio": "a.wav", "who": "p1", **dict.fromkeys(ANSWERS, "")}
    refused = set()
    for column in ANSWERS:
        values: tuple[object, ...] = VALUES
        if suffix not in {".csv", ".tsv"}:
            values = (*VALUES, [WORD, "none"], [[WORD]], {"said": WORD}, float(YEARS))
        for value in values:
            path = tmp_path / f"cohort{suffix}"
            write_rows(path, [good | {column: value}])
            error = own(path)
            if error is not None:
                refused.add(column)
                assert not leaks(told(error)), (column, value)
                assert column in str(error), "the place is told"
    assert refused >= {"gender", "age", "medical_history", "symptoms", "label", "part", "start"}


HEADERS = "audio,who,label,gender,age,symptoms"
BROKEN = {
    "no header": f"a.wav,p1,1,F,63,{WORD}\nb.wav,p2,0,M,64,cough",
    "no header, words only": f"anna,eve,{WORD},female,cough,fever\nbo,al,x,male,cough,cold",
    "two columns of one name": f"audio,{WORD},{WORD}\na.wav,1,1",
    "too many cells": f"{HEADERS}\na.wav,p1,1,F,63,{WORD},{WORD}",
    "a quotation mark left open": f'{HEADERS}\na.wav,p1,1,F,63,"{WORD}',
    "text after a quotation": f'{HEADERS}\na.wav,p1,1,F,63,"{WORD}"{WORD}',
    "listed twice": f"{HEADERS}\na.wav,p1,1,F,63,{WORD}\na.wav,p1,1,F,63,{WORD}",
    "two answers": f"{HEADERS},start,stop\na.wav,p1,1,F,6,{WORD},0,1\na.wav,p1,1,F,6,cough,1,2",
    "no recording": f"{HEADERS}\nnone.wav,p1,1,F,63,{WORD}",
    "no such column": f"audio,person,label,symptoms\na.wav,p1,1,{WORD}",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_tables_that_cannot_be_read(tmp_path: Path, fault: str) -> None:
    write(tmp_path / "a.wav", noise(1, 0))
    path = tmp_path / "cohort.csv"
    path.write_text(BROKEN[fault])
    error = own(path, split_column=None)
    assert error is not None
    assert not leaks(told(error))
    path.write_bytes(BROKEN[fault].encode() + b"\xff")
    error = own(path, split_column=None)
    assert error is not None
    assert not leaks(told(error))


@pytest.mark.parametrize(
    "text",
    [
        f'[{{"audio": "a.wav", "symptoms": {WORD}}}]',
        f'[{{"audio": "a.wav", "symptoms": "{WORD}"',
        f'["{WORD}"]',
        f'"{WORD}"',
        f'[{{"audio": "a.wav", "{WORD}": 1, "{WORD}": 2}}]',
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_json_that_cannot_be_read(tmp_path: Path, text: str, suffix: str) -> None:
    path = tmp_path / f"cohort{suffix}"
    path.write_text(text)
    error = own(path)
    assert error is not None
    assert not leaks(told(error))


def delimiter_of(path: Path) -> str:
    if path.suffix == ".txt":
        return "\t"
    return ";" if "task1" in path.name or "results_raw" in path.name else ","


def with_one_cell(
    path: Path, headless: bool, value: str
) -> Iterator[tuple[str, Callable[[], None]]]:
    """For each cell that is an answer, its column and how to write the table with `value` there."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=delimiter_of(path)))
    for r in range(0 if headless else 1, len(rows)):
        for c, name in enumerate(rows[0]):
            annotation = headless and len(rows[0]) == 4
            if (name in IDS and not headless) or (headless and c == 0 and not annotation):
                continue

            def change(r: int = r, c: int = c) -> None:
                changed = [list(row) for row in rows]
                changed[r][c] = value
                with path.open("w", newline="", encoding="utf-8") as file:
                    csv.writer(file, delimiter=delimiter_of(path)).writerows(changed)

            yield name, change


@pytest.mark.parametrize("value", [WORD, YEARS])
@pytest.mark.parametrize("name", ["icbhi", "coswara", "uk_covid19", "covid19_sounds"])
def test_cells_of_every_published_table(tmp_path: Path, name: str, value: str) -> None:
    root = tmp_path / name
    WRITERS[name](root)
    refused = 0
    for path in sorted([*root.rglob("*.csv"), *root.rglob("*.txt")]):
        original = path.read_bytes()
        for column, change in with_one_cell(path, name == "icbhi", value):
            change()
            error = refusal(lambda: load_contents(name, tmp_path))
            if error is not None:
                refused += 1
                assert not leaks(told(error)), (path.name, column)
                assert path.name in str(error)
        path.write_bytes(original)
    assert refused >= {"icbhi": 20, "coswara": 50, "uk_covid19": 30, "covid19_sounds": 20}[name]


@pytest.mark.parametrize("name", ["coswara", "uk_covid19", "covid19_sounds"])
def test_a_published_table_without_its_header(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    WRITERS[name](root)
    for path in sorted(root.glob("*.csv")):
        original = path.read_bytes()
        rows = original.decode().splitlines(keepends=True)
        cells = rows[1].split(delimiter_of(path))
        cells[1] = WORD
        path.write_text("".join([delimiter_of(path).join(cells), *rows[2:]]))
        with pytest.raises(DataError) as error:
            load_contents(name, tmp_path)
        assert not leaks(told(error.value))
        path.write_bytes(original)


def test_a_header_is_told_where_it_is_one(tmp_path: Path) -> None:
    """What the reader may know helps: names of columns are no patient's."""
    path = tmp_path / "cohort.csv"
    path.write_text("audio,person,label\na.wav,p1,1\n")
    assert "Available: audio, person, label" in str(own(path, split_column=None))


def test_ages_for_the_hard_coding() -> None:
    from respllm.batching.hard_dms import age_span

    for age in (float(YEARS), WORD, f"{YEARS}-"):
        with pytest.raises(DataError) as error:
            age_span(age)
        assert not leaks(told(error.value))


@pytest.mark.parametrize(
    "options",
    [
        ("--age", YEARS),
        ("--age", WORD),
        ("--gender", WORD),
        ("--history", f"asthma, {WORD}"),
        ("--symptoms", f"{WORD}, {WORD}"),
        ("--location", WORD),
    ],
)
def test_answers_given_on_the_command_line(
    respllm: Run, trained_run: Path, small_cohort: Path, options: tuple[str, str]
) -> None:
    sound = next(small_cohort.glob("icbhi/**/*.wav"))
    for source in (sound, small_cohort / "none.wav", small_cohort / "simulated_cohort.json"):
        outcome = respllm("predict", source, "--task", "S7", "--run", trained_run, *options)
        assert not leaks(outcome.out + outcome.err)


def test_a_cohort_from_training_to_predictions(
    respllm: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Answers that are accepted: not in outputs, logs, run folder or cache, but in the table."""
    caplog.set_level("DEBUG")
    rows = own_rows(20)
    for row in rows:
        row |= {"age": "44", "symptoms": f"cough, {WORD}", "recording_location": WORD}
        row |= {"site": WORD, "medical_history": f"{WORD} disease"}
    own_table(tmp_path, rows)
    (tmp_path / "3a.wav").write_bytes(b"no sound")
    source = "table: {table: cohort.csv, subject_column: who}"
    (tmp_path / "mine.yaml").write_text(f"id: mine\n{WORDS}{source}\n")
    (tmp_path / "run.yaml").write_text(
        "name: run\ntasks: {train: [mine.yaml]}\ntraining: {epochs: 1, batch_size: 16}\n"
    )
    before = set(tmp_path.rglob("*"))
    told_all = ""
    for arguments in (
        ("train", "run.yaml", "--data-root", tmp_path, "--out", "run"),
        ("evaluate", "run", "--data-root", tmp_path),
        ("predict", "cohort.csv", "--run", "run", "--task", "mine", "--out", "answers.csv"),
        ("predict", "cohort.csv", "--run", "run", "--task", "mine", "--out", "answers.json"),
    ):
        outcome = respllm(*arguments)
        assert outcome.code == 0, outcome.err
        told_all += outcome.out + outcome.err
    assert "3a.wav" in told_all, "an unusable recording is named"
    assert not leaks(told_all + caplog.text)
    written = [path for path in set(tmp_path.rglob("*")) - before if path.is_file()]
    assert len(written) > 10
    for path in written:
        assert not leaks(path.read_bytes().decode("latin-1")), path

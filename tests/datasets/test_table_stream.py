"""A long table: checked from end to end, then read as its rows are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from respllm.datasets import table_file
from respllm.datasets.table import read_table
from respllm.datasets.table_file import open_table
from respllm.datasets.table_source import TableSource
from respllm.datasets.table_stream import TableStream, stream_table
from respllm.errors import DataError

SOUNDS = 7


def write_table(folder: Path, rows: int, **cells: object) -> Path:
    """So many rows; a few sounds lie in as many folders as it takes for distinct names."""
    for number in range(SOUNDS):
        place = folder / "sounds" / f"{number}.wav"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(f"sound {number}".encode())
    for number in range(-(-rows // SOUNDS)):
        (folder / f"site-{number}").symlink_to(folder / "sounds")
    names = [f"site-{i // SOUNDS}/{i % SOUNDS}.wav" for i in range(rows)]
    path = folder / "cohort.csv"
    pd.DataFrame({"audio": names, "age": range(rows), **cells}).to_csv(path, index=False)
    return path


def stream(folder: Path, table: str = "cohort.csv", **settings: object) -> TableStream:
    source = TableSource(table=Path(table), label_column=None, **settings)
    return stream_table(source, dataset="own", base=folder)


@pytest.mark.parametrize("settings", [{}, {"subject_column": "who"}])
def test_its_rows_are_those_of_the_whole_table(tmp_path: Path, settings: dict[str, str]) -> None:
    write_table(tmp_path, 30, who=[f"p{i // 3}" for i in range(30)])
    (tmp_path / "sounds" / "3.wav").unlink()
    streamed = stream(tmp_path, **settings)
    whole = read_table(
        TableSource(table=Path("cohort.csv"), label_column=None, **settings),
        dataset="own",
        sound_type="",
        label="",
        base=tmp_path,
    )
    assert tuple(streamed.rows()) == whole.rows
    assert tuple(streamed.rows()) == whole.rows, "as often as it is asked for"
    assert streamed.count == len(whole.rows) == 26
    assert streamed.missing == whole.missing


def test_a_bad_last_row_is_found_before_the_first_is_given(tmp_path: Path) -> None:
    write_table(tmp_path, 30, gender=["F"] * 29 + ["xyz"])
    with pytest.raises(DataError, match="row 30, column 'gender'"):
        stream(tmp_path)


def test_a_recording_listed_twice_far_apart_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path, 30)
    path.write_text(path.read_text() + "site-0/0.wav,0\n")
    with pytest.raises(DataError, match=r"listed twice.*rows 1 and 31"):
        stream(tmp_path)


def test_nothing_to_hear_points_to_the_folder(tmp_path: Path) -> None:
    write_table(tmp_path, 3)
    with pytest.raises(DataError, match="None of the 3 recordings exists"):
        stream(tmp_path, audio_root=Path("elsewhere"))


def test_a_recording_that_vanishes_meanwhile_is_left_to_whoever_hears_it(tmp_path: Path) -> None:
    write_table(tmp_path, 10)
    rows = stream(tmp_path).rows()
    next(rows)
    (tmp_path / "sounds" / "4.wav").unlink()
    assert [row.record.audio_path.stem for row in rows] == [*"1234560", *"12"]


def as_json_lines(frame: pd.DataFrame, path: Path) -> None:
    path.write_text("\n".join(map(json.dumps, frame.to_dict("records"))))


@pytest.mark.parametrize(
    ("suffix", "save"),
    [
        ("csv", lambda frame, path: frame.to_csv(path, index=False)),
        ("tsv", lambda frame, path: frame.to_csv(path, index=False, sep="\t")),
        ("jsonl", as_json_lines),
    ],
)
def test_no_more_is_read_than_is_asked_for(
    tmp_path: Path, suffix: str, save: Callable[[pd.DataFrame, Path], None]
) -> None:
    path = tmp_path / f"t.{suffix}"
    save(pd.DataFrame({"audio": [f"{i}.wav" for i in range(10_000)]}), path)
    rows = open_table(path).rows()
    assert [next(rows)["audio"] for _ in range(9)] == [f"{i}.wav" for i in range(9)]
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.truncate(content.index(b"\n", len(content) // 2))
    assert 4_000 < sum(1 for _ in rows) < 6_000, "rows that were read ahead are not missed"


def test_a_parquet_table_is_read_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "_PARQUET_ROWS", 4)
    frame = pd.DataFrame({"audio": [f"{i}.wav" for i in range(10)], "age": range(10)})
    frame.to_parquet(tmp_path / "t.parquet")
    assert list(open_table(tmp_path / "t.parquet").rows()) == frame.to_dict("records")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b'audio,label\n"a.wav,1\nb.wav,0\n', "Not a readable table.*line 3"),
        (b"audio,label\na.wav,1\nb.wav,0,7\n", "3 cells in a row.*line 3"),
        (b"audio,label\na.wav,1\n" * 3 + b"\xff.wav,1\n", "UTF-8"),
    ],
)
def test_damage_behind_the_first_row_is_named(tmp_path: Path, content: bytes, match: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=match):
        list(open_table(tmp_path / "t.csv").rows())


def test_blank_lines_and_quoted_cells(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(
        b'\r\naudio,note\r\n\r\na.wav,"one, ""two""\nthree"\r\n  \r\nb.wav\r\n'
    )
    assert list(open_table(tmp_path / "t.csv").rows()) == [
        {"audio": "a.wav", "note": 'one, "two"\nthree'},
        {"audio": "b.wav", "note": ""},
    ]

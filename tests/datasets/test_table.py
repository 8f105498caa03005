from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from respllm.datasets.table import TableSource, read_table
from respllm.datasets.table_cells import canonical
from respllm.errors import ConfigError, DataError
from respllm.types import Dms
from tests.datasets.tables import FULL, Rows, read, record_audio, write_csv


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "jsonl", "json"])
def test_the_same_record_from_every_format(tmp_path: Path, suffix: str) -> None:
    rows = [FULL, {"audio": "b.wav", "person": "p2", "label": "no"}]
    record_audio(tmp_path, rows)
    frame = pd.DataFrame(rows)
    path = tmp_path / f"cohort.{suffix}"
    if suffix in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    elif suffix == "parquet":
        frame.to_parquet(path)
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    else:
        path.write_text(json.dumps(rows))
    contents = read(tmp_path, table=path.name, subject_column="person")
    first, second = (row.record for row in contents.rows)
    assert first.record_id == "own/a.wav"
    assert first.subject_id == "own/p1"
    assert first.subject_known
    assert (first.dataset, first.sound_type) == ("own", "cough")
    assert first.audio_path == tmp_path / "a.wav"
    assert (first.labels, second.labels) == ({"flu": 1}, {"flu": 0})
    assert first.dms == Dms(
        gender="Female",
        age=63.0,
        medical_history=("asthma", "copd"),
        symptoms=(),
        recording_location="left chest",
    )
    assert second.dms == Dms()
    assert contents.notes == ()


def test_typed_values_of_json(tmp_path: Path) -> None:
    rows: Rows = [
        {"audio": "a.wav", "person": 1, "label": True, "age": 63, "symptoms": ["Cough", "fever"]},
        {"audio": "b.wav", "person": 2.0, "label": False, "age": None, "symptoms": []},
        {"audio": "c.wav", "person": 3, "label": None, "age": 0.5, "symptoms": ["none"]},
    ]
    record_audio(tmp_path, rows)
    (tmp_path / "cohort.json").write_text(json.dumps(rows))
    a, b, c = read(tmp_path, table="cohort.json", subject_column="person").rows
    assert [row.label for row in (a, b, c)] == [1, 0, None]
    assert [row.record.subject_id for row in (a, b, c)] == ["own/1", "own/2", "own/3"]
    assert [row.record.dms.age for row in (a, b, c)] == [63.0, None, 0.5]
    # An empty list is a box that was not ticked, not a statement.
    assert [row.record.dms.symptoms for row in (a, b, c)] == [("cough", "fever"), None, ()]


@pytest.mark.parametrize(
    ("cells", "settings", "expected"),
    [
        (["1", "0", "1.0", ""], {}, [1, 0, 1, None]),
        (["TRUE", "False", "yes", "NO"], {}, [1, 0, 1, 0]),
        (["COPD", "Healthy"], {"positive": "copd", "negative": ["healthy", "n"]}, [1, 0]),
        (["2", "1"], {"positive": 2, "negative": 1}, [1, 0]),
        (["yes", "no"], {"positive": True, "negative": False}, [1, 0]),
        (["COPD", "Asthma", "none", "unknown"], {"positive": ["COPD"]}, [1, 0, 0, None]),
    ],
)
def test_labels(
    tmp_path: Path, cells: list[str], settings: dict[str, Any], expected: list[int | None]
) -> None:
    write_csv(tmp_path, [{"audio": f"{n}.wav", "label": cell} for n, cell in enumerate(cells)])
    rows = read(tmp_path, **settings).rows
    assert [row.label for row in rows] == expected
    assert [row.record.labels.get("flu") for row in rows] == expected


def test_one_against_the_rest_is_counted(tmp_path: Path) -> None:
    rows = [{"audio": f"{n}.wav", "label": label} for n, label in enumerate(["COPD", "N", "?"])]
    write_csv(tmp_path, rows)
    notes = read(tmp_path, positive="COPD").notes
    assert "1 rows count as 0, because their label is no value of `positive`." in notes
    assert "1 rows have no label." in notes


@pytest.mark.parametrize("settings", [{}, {"positive": "a", "negative": "b"}])
def test_any_other_label_is_refused_without_being_repeated(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": "private words"}])
    with pytest.raises(DataError, match=r"Unknown label.*row 1, column 'label'") as caught:
        read(tmp_path, **settings)
    assert "private" not in str(caught.value)


def test_a_table_for_prediction_needs_no_label_column(tmp_path: Path) -> None:
    write_csv(tmp_path, [{"audio": "a.wav"}])
    (row,) = read(tmp_path, label_column=None).rows
    assert (row.label, row.record.labels) == (None, {})


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"label_colum": "x"}, "Did you mean 'label_column'"),
        ({"negative": 0}, "needs `positive`"),
        ({"positive": "yes", "negative": 1}, "share a value"),
        ({"columns": {"agee": "x"}}, "agee"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    tmp_path: Path, settings: dict[str, Any], match: str
) -> None:
    with pytest.raises(ConfigError, match=match):
        read(tmp_path, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"subject_column": "patients"},
        {"split_column": "patients"},
        {"where": {"patients": 1}},
        {"columns": {"age": "patients"}},
        {"audio_column": "patients"},
    ],
)
def test_a_missing_column_names_the_nearest(tmp_path: Path, settings: dict[str, Any]) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": 1, "patient": 1}])
    with pytest.raises(DataError, match="Did you mean 'patient'"):
        read(tmp_path, **settings)


@pytest.mark.parametrize(
    ("value", "kept"), [("telegram", "a"), ("Telegram", "a"), (7, "b"), (True, "c")]
)
def test_where_keeps_rows(tmp_path: Path, value: Any, kept: str) -> None:
    cells = {"a": "telegram", "b": "7.0", "c": "yes"}
    write_csv(tmp_path, [{"audio": name, "label": 1, "x": cell} for name, cell in cells.items()])
    (row,) = read(tmp_path, where={"x": value}).rows
    assert row.record.record_id == f"own/{kept}"


def test_where_that_keeps_nothing_is_an_error(tmp_path: Path) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": 1, "x": "b"}])
    with pytest.raises(DataError, match=r"No row has the wanted values.*x = c"):
        read(tmp_path, where={"x": "c"})


@pytest.mark.parametrize("cell", ["1e999999999", "1" * 500, "sNaN", "", "½", "007"])
def test_any_cell_can_be_compared(cell: str) -> None:
    assert canonical(cell) == canonical(f" {cell} ")
    assert len(canonical(cell)) <= 500


def test_split_column(tmp_path: Path) -> None:
    parts = ["train", "Val", "dev", "test", ""]
    write_csv(
        tmp_path,
        [{"audio": f"{n}.wav", "label": 1, "part": part} for n, part in enumerate(parts)],
    )
    contents = read(tmp_path, split_column="part")
    assert [row.record.splits.get("part") for row in contents.rows] == [
        "train",
        "validation",
        "validation",
        "test",
        None,
    ]
    assert "1 rows name no split." in contents.notes


def test_unknown_split_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": 1, "part": "fold3"}])
    with pytest.raises(DataError, match=r"Unknown split.*row 1"):
        read(tmp_path, split_column="part")


def test_subjects_in_two_splits_are_counted_and_three_are_named(tmp_path: Path) -> None:
    rows = [
        {"audio": f"{person}{part}", "label": 1, "who": person, "part": part}
        for person in "abcd"
        for part in ("train", "test")
    ]
    write_csv(tmp_path, rows)
    with pytest.raises(DataError, match=r"^4 subject.* own/a, own/b, own/c and 1 more"):
        read(tmp_path, subject_column="who", split_column="part")


@pytest.mark.parametrize("cell", ["", "None", "unknown", "a\x00b"])
def test_every_row_needs_a_subject(tmp_path: Path, cell: str) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": 1, "who": cell}])
    with pytest.raises(DataError, match="row 1, column 'who'"):
        read(tmp_path, subject_column="who")


def test_a_recording_listed_twice_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": 1}, {"audio": "a.wav", "label": 1}])
    with pytest.raises(DataError, match=r"own/a.wav is listed twice.*rows 1 and 2"):
        read(tmp_path)


def test_missing_recordings_are_listed(tmp_path: Path) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": 1}, {"audio": "b.wav", "label": 0}])
    (tmp_path / "b.wav").unlink()
    contents = read(tmp_path)
    assert contents.missing == ("own/b.wav",)
    assert "1 recordings do not exist: own/b.wav." in contents.notes
    assert len(contents.rows) == 1


def test_no_recording_at_all_points_to_the_folder(tmp_path: Path) -> None:
    write_csv(tmp_path, [{"audio": "a.wav", "label": 1}])
    with pytest.raises(DataError, match=r"None of the 1 recordings exists.*audio_root"):
        read(tmp_path, audio_root="elsewhere")


def test_audio_root_starts_at_the_base(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    (tmp_path / "tables").mkdir()
    (tmp_path / "sounds" / "a.wav").write_bytes(b"a")
    (tmp_path / "tables" / "t.csv").write_text("audio,label\na.wav,1\n")
    (row,) = read(tmp_path, table="tables/t.csv", audio_root="sounds").rows
    assert row.record.audio_path == tmp_path / "sounds" / "a.wav"


def test_unknown_subjects_are_groups_of_identical_recordings(tmp_path: Path) -> None:
    rows = [{"audio": name, "label": label} for name, label in (("a", 1), ("b", 1), ("c", 0))]
    write_csv(tmp_path, [*rows, {"audio": "d", "label": 0}, {"audio": "e", "label": 1}])
    (tmp_path / "b").write_bytes(b"a")  # as a, with the same label
    (tmp_path / "e").write_bytes(b"d")  # as d, with the other label
    contents = read(tmp_path)
    assert [row.record.record_id for row in contents.rows] == ["own/a", "own/c"]
    assert contents.repeated == ("own/b",)
    assert contents.conflicting == ("own/d", "own/e")
    record = contents.rows[0].record
    # sha256 of b"a"
    assert record.subject_id == "own/sha256:ca978112ca1bbdca"
    assert not record.subject_known
    unknown, conflict, repeat = contents.notes
    assert unknown.startswith("Subjects are unknown: 2 groups")
    assert conflict.startswith("2 rows left out")
    assert "own/d, own/e" in conflict
    assert repeat.startswith("1 rows left out")


def test_identical_recordings_are_found_where_subjects_are_known_too(tmp_path: Path) -> None:
    rows = [{"audio": name, "label": label, "who": name} for name, label in (("a", 1), ("b", 0))]
    write_csv(tmp_path, [*rows, {"audio": "cc", "label": 1, "who": "c"}])
    (tmp_path / "b").write_bytes(b"a")
    contents = read(tmp_path, subject_column="who")
    assert contents.conflicting == ("own/a", "own/b")
    assert [row.record.subject_id for row in contents.rows] == ["own/c"]


def test_rows_without_a_label_are_all_kept(tmp_path: Path) -> None:
    write_csv(tmp_path, [{"audio": "a"}, {"audio": "b"}])
    (tmp_path / "b").write_bytes(b"a")
    contents = read(tmp_path, label_column=None)
    assert len(contents.rows) == 2
    assert len({row.record.subject_id for row in contents.rows}) == 1


def test_clips_share_their_record_and_have_their_own_label(tmp_path: Path) -> None:
    write_csv(
        tmp_path,
        [
            {"audio": "a.wav", "label": 1, "start": "0.5", "end": "2"},
            {"audio": "a.wav", "label": 0, "start": "2", "end": ""},
            {"audio": "a.wav", "label": "", "start": "", "end": "0.5"},
        ],
    )
    rows = read(tmp_path, columns={"stop": "end"}).rows
    assert [(row.start, row.stop, row.label) for row in rows] == [
        (0.5, 2.0, 1),
        (2.0, None, 0),
        (0.0, 0.5, None),
    ]
    assert rows[0].record == rows[1].record == rows[2].record
    assert rows[0].record.labels == {}


@pytest.mark.parametrize(
    ("second", "match"),
    [
        ({"start": 0}, "listed twice"),
        ({"start": "0.0"}, "listed twice"),
        ({"start": 1, "age": 20}, "answers about the person"),
        ({"start": 1, "who": "q"}, "two subjects"),
        ({"start": -1}, "Not a time.*row 2"),
        ({"start": "soon"}, "Not a time.*row 2"),
        ({"start": 5, "stop": 5}, "stops before.*row 2"),
    ],
)
def test_clips_that_contradict_each_other(
    tmp_path: Path, second: dict[str, Any], match: str
) -> None:
    first = {"audio": "a.wav", "label": 1, "start": 0, "stop": "", "who": "p", "age": 30}
    write_csv(tmp_path, [first, {**first, "label": 0, **second}])
    with pytest.raises(DataError, match=match):
        read(tmp_path, subject_column="who")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("t.xlsx", b"x", "Unknown kind of table '.xlsx'.*parquet"),
        ("t.csv", b"", "Not a readable table"),
        ("t.csv", b"audio,label\n", "no rows"),
        ("t.csv", b"audio,label\na.wav,1,2\n", "Not a readable table"),
        ("t.csv", b"audio,label,label\na.wav,1,2\n", "Columns 2 and 3 have one name"),
        ("t.csv", b"audio,label\n\xff\xfe.wav,1\n", "UTF-8"),
        ("t.json", b"{", "Not valid JSON"),
        ("t.json", b'{"audio": 1}', "no list of objects"),
        ("t.json", b"[]", "no rows"),
        ("t.jsonl", b'{"audio": "a"}\nx\n', "line 2"),
        ("t.parquet", b"x", "Not a Parquet file"),
    ],
)
def test_unreadable_tables(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=match):
        read(tmp_path, table=name)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No table .*cohort\.csv"):
        read(tmp_path)


def test_a_spreadsheets_csv_with_byte_order_mark_and_short_rows(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"a")
    (tmp_path / "cohort.csv").write_bytes(b"\xef\xbb\xbfaudio, label ,age\r\na.wav,1\r\n")
    (row,) = read(tmp_path).rows
    assert (row.label, row.record.dms.age) == (1, None)


@pytest.mark.parametrize(
    ("source", "positive", "negative", "conflicting"),
    [("telegram", 68, 323, 111), ("call-center", 495, 203, 1)],
)
def test_the_covid19_cough_recordings(
    shared_data: Path, source: str, positive: int, negative: int, conflicting: int
) -> None:
    settings = TableSource(
        table=Path("metadata.json"),
        audio_column="filename",
        audio_root=Path("raw"),
        label_column="covid19",
        where={"source": source},
    )
    contents = read_table(
        settings,
        dataset="covid19_cough",
        sound_type="cough",
        label="covid19",
        base=shared_data / "covid19_cough",
    )
    labels = [row.label for row in contents.rows]
    assert (labels.count(1), labels.count(0)) == (positive, negative)
    assert len({row.record.subject_id for row in contents.rows}) == positive + negative
    assert not any(row.record.subject_known for row in contents.rows)
    raw = shared_data / "covid19_cough" / "raw"
    names = [record_id.removeprefix("covid19_cough/") for record_id in contents.conflicting]
    assert len({(raw / name).read_bytes() for name in names}) == conflicting
    listed = {"telegram": 624, "call-center": 700}[source]
    assert len(labels) + len(names) + len(contents.repeated) == listed
    assert contents.missing == ()


def test_columns_for_audits_are_read_and_stay_out_of_what_was_stated(tmp_path: Path) -> None:
    row = {"audio": "a.wav", "patient": "p", "label": 1, "device": "Littmann", "country": "UK"}
    write_csv(tmp_path, [row])
    (found,) = read(tmp_path, subject_column="patient", columns={"site": "country"}).rows
    assert (found.record.device, found.record.site) == ("Littmann", "UK")
    assert found.record.language is found.record.recruitment is None
    assert found.record.dms == Dms()

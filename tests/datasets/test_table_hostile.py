"""Tables that are hostile rather than wrong: one typed error, or what they say and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from respllm.datasets.table_cells import canonical
from respllm.errors import DataError
from tests.datasets.tables import read, read_one

DEEP = b"[" * 100_000
DIGITS = b"9" * 5000


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("t.json", DEEP, "nested too deeply"),
        ("t.jsonl", b'{"audio": ' + DEEP, "nested too deeply"),
        ("t.json", b'[{"audio": "a.wav", "label": ' + DIGITS + b"}]", "Not valid JSON"),
        ("t.jsonl", b'{"audio": "a.wav", "label": ' + DIGITS + b"}", "Not valid JSON.*line 1"),
        ("t.json", b'[{"audio": "a.wav", "label": 0, "label": 1}]', "two values of one name"),
        ("t.jsonl", b'{"audio": "a.wav", "label": 0, "label": 1}', "two values of one name"),
        ("t.json", b'[{"audio": "a.wav", "label": {"a": 1}}]', "holds an object.*row 1.*'label'"),
        ("t.json", b'[{"audio": "a.wav", "label": 1, "symptoms": [["a"]]}]', "a list of lists"),
        ("t.csv", b"audio,label\n" + b"a" * 5000 + b".wav,1\n", "None of the 1 recordings exists"),
        ("t.csv", b"audio,label\n\xed\xa0\x80.wav,1\n", "UTF-8"),
        ("t.csv", b"audio,label\na\0.wav,1\n", "control characters"),
        ("t.csv", b"audio,label\n" + b"a" * 200_000 + b",1\n", "field larger"),
    ],
)
def test_one_error_for_a_hostile_table(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    (tmp_path / "a.wav").write_bytes(b"a")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=match):
        read(tmp_path, table=name)


def test_bytes_in_parquet_are_refused(tmp_path: Path) -> None:
    pd.DataFrame([{"audio": "a.wav", "label": b"1"}]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="holds an object, bytes"):
        read(tmp_path, table="t.parquet")


def test_an_unread_column_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"a")
    (tmp_path / "t.json").write_text('[{"audio": "a.wav", "label": 1, "other": {"a": [1]}}]')
    assert len(read(tmp_path, table="t.json").rows) == 1


def test_long_codes_are_not_rounded_to_one() -> None:
    code = "1234567890123456789012345678901"
    assert canonical(code) != canonical(code[:-1] + "2")
    assert canonical("1.0") == canonical(1) == canonical("yes")


def test_no_age_is_minus_zero(tmp_path: Path) -> None:
    assert str(read_one(tmp_path, {"age": "-0"}).age) == "0.0"


def test_an_error_about_columns_is_short(tmp_path: Path) -> None:
    header = ",".join(f"{'x' * 1000}{i}" for i in range(2000))
    (tmp_path / "cohort.csv").write_text(f"{header}\n1\n")
    with pytest.raises(DataError, match=r"Unknown column .audio") as caught:
        read(tmp_path)
    assert len(str(caught.value)) < 7000

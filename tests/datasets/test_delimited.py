"""Tables that do not look as published are refused by file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from respllm.datasets.delimited import by_key, read_table_with_header, read_table_without_header
from respllm.errors import DataError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def test_extra_columns_any_order_and_a_byte_order_mark(table: Path) -> None:
    table.write_text('﻿b,more, a \n2,x, 1 \n\n4,"y,\nz",3\n', encoding="utf-8")
    rows = read_table_with_header(table, ["a", "b"])
    assert [(row["a"], row["b"]) for row in rows] == [("1", "2"), ("3", "4")]
    assert rows[0].where("a") == f"{table}, line 2, column 'a'"


def test_missing_columns_are_named(table: Path) -> None:
    table.write_text("a\n1\n")
    with pytest.raises(DataError, match=r"lacks the columns 'b', 'c'.*people\.csv"):
        read_table_with_header(table, ["a", "b", "c"])


def test_an_empty_table_has_no_columns(table: Path) -> None:
    table.write_text("")
    with pytest.raises(DataError, match="lacks the columns 'a'"):
        read_table_with_header(table, ["a"])


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_row_of_another_length_is_named(table: Path, row: str) -> None:
    table.write_text(f"a,b\n1,2\n{row}\n")
    with pytest.raises(DataError, match=r"people\.csv, line 3.*2 comma-separated values: a, b"):
        read_table_with_header(table, ["a", "b"])


def test_a_table_separated_in_another_way_is_explained(table: Path) -> None:
    table.write_text("101 URTI\n")
    with pytest.raises(DataError, match=r"line 1.*2 tab-separated values: patient, diagnosis"):
        read_table_without_header(table, ["patient", "diagnosis"], "\t")


def test_no_file_and_no_text(table: Path) -> None:
    with pytest.raises(DataError, match=r"people\.csv is missing"):
        read_table_with_header(table, ["a"])
    table.write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"cannot be read"):
        read_table_with_header(table, ["a"])


def test_a_key_listed_twice_is_named_with_both_lines(table: Path) -> None:
    table.write_text("a,b\nx,1\ny,2\nx,3\n")
    with pytest.raises(DataError, match=r"'x' is listed twice, first in line 2.*line 4"):
        by_key(read_table_with_header(table, ["a", "b"]), "a")

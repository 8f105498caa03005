"""The rows of your own table as the file holds them; no type is guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from respllm.errors import DataError

Row = dict[str, object]


def read_rows(path: Path) -> tuple[list[str], list[Row]]:
    """Column names and rows of a CSV, TSV, Parquet, JSON lines or JSON file.

    Cells of CSV and TSV files are text as written ("" where empty); in the other formats they
    have the type the file gives them, `None` where it gives none.

    Raises:
        DataError: no such file, an unknown or damaged format, two columns of one name, no rows.
    """
    if not path.is_file():
        raise DataError(f"No table {path}", next_step="check `table` in the task file")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"Unknown kind of table {path.suffix!r}",
            where=str(path),
            expected=", ".join(_READERS),
        )
    try:
        names, rows = reader(path)
    except UnicodeDecodeError:
        raise DataError(
            "The table is not UTF-8 text",
            where=str(path),
            next_step="save it again with the encoding UTF-8",
        ) from None
    except OSError as error:
        raise DataError(f"Cannot read the table: {error.strerror}", where=str(path)) from error
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise DataError(f"Two columns are called {repeated[0]!r}", where=str(path))
    if not rows:
        raise DataError("The table has no rows", where=str(path))
    return names, rows


def _separated(path: Path, separator: str) -> tuple[list[str], list[Row]]:
    # pandas takes seconds to import, and most runs read no table of this kind.
    import pandas as pd

    try:
        # The header is read as a row, so that pandas neither renames repeated columns nor takes
        # the first one for an index where the rows are longer than the header.
        frame = pd.read_csv(
            path,
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
        ).fillna("")
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"Not a readable table: {error}", where=str(path)) from None
    first, *rest = frame.values.tolist()
    names = [str(name).strip() for name in first]
    return names, [dict(zip(names, row, strict=True)) for row in rest]


def _parquet(path: Path) -> tuple[list[str], list[Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid:
        raise DataError("Not a Parquet file", where=str(path)) from None
    return list(table.column_names), table.to_pylist()


def _json(path: Path) -> tuple[list[str], list[Row]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DataError(f"Not valid JSON: {error}", where=str(path)) from None
    return _objects(content, path)


def _json_lines(path: Path) -> tuple[list[str], list[Row]]:
    content = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if line.strip():
            try:
                content.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise DataError(
                    f"Not valid JSON: {error.msg}", where=f"{path}, line {number}"
                ) from None
    return _objects(content, path)


def _objects(content: object, path: Path) -> tuple[list[str], list[Row]]:
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise DataError(
            "The file holds no list of objects",
            where=str(path),
            expected='[{"audio": "a.wav", "label": 1}, ...], or one such object a line in .jsonl',
        )
    return list(dict.fromkeys(name for row in content for name in row)), content


_READERS: dict[str, Callable[[Path], tuple[list[str], list[Row]]]] = {
    ".csv": lambda path: _separated(path, ","),
    ".tsv": lambda path: _separated(path, "\t"),
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".json": _json,
}

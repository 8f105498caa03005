"""An own table that is in memory and not in a file, by the same rules."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from respllm.datasets.table_file import separated
from respllm.datasets.table_rows import TableReader, TableRow
from respllm.datasets.table_source import TableSource

NAME = Path("table")
"""What errors call it: a sender's own name for it is not repeated."""


def uploaded_rows(content: bytes, separator: str, dataset: str) -> Iterator[TableRow]:
    """The rows of a CSV or TSV table of recordings without labels.

    Nothing is looked for on a disk: `Record.audio_path` is the path as the table writes it.

    Args:
        content: UTF-8 text.
        separator: "," or a tab.
        dataset: first part of all record and subject ids: `<dataset>/<audio as written>`.

    Raises:
        DataError: as `stream_table`, but for recordings that do not exist.
    """

    def opened() -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")

    source = TableSource(table=NAME, label_column=None)
    table = separated(NAME, separator, opened)
    return TableReader(source, dataset, "", "", Path(), table).checked_rows()

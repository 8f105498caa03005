"""A long table of recordings to answer for, read row by row in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from respllm.datasets.table import nothing_there
from respllm.datasets.table_copies import digests, grouped_by_content
from respllm.datasets.table_rows import TableReader, TableRow, is_there
from respllm.datasets.table_source import TableSource
from respllm.errors import DataError


@dataclass(frozen=True, slots=True)
class TableStream:
    """A table that was checked from end to end, and is read again as its rows are asked for.

    Attributes:
        count: rows whose recording exists.
        missing: record ids whose audio file does not exist.
    """

    count: int
    missing: tuple[str, ...]
    _reader: TableReader

    def rows(self) -> Iterator[TableRow]:
        """The rows whose recording exists, in the table's order."""
        absent = set(self.missing)
        for row in self._reader.rows():
            # A file that vanished since it was counted is asked about, and refused by name.
            if row.record.record_id not in absent:
                yield row if self._reader.source.subject_column else self._grouped(row)

    def _grouped(self, row: TableRow) -> TableRow:
        # As in `read_table`: where nobody is named, byte-identical recordings count as one person.
        try:
            hashes = digests([row], every=True)
        except DataError:  # whoever hears the recording will say why it cannot be read
            return row
        return grouped_by_content(row, self._reader.dataset, hashes)


def stream_table(source: TableSource, *, dataset: str, base: Path) -> TableStream:
    """Check a table of recordings without labels, and keep none of its rows.

    It is read twice: a bad cell in the last row is found before anything is done with the first.

    Args:
        source: what to read; without `label_column` and `split_column`.
        dataset: first part of all record and subject ids: `<dataset>/<audio as written>`.
        base: where relative paths start.

    Raises:
        DataError: as `read_table`.
    """
    assert source.label_column is None, "copies with other labels are found in a whole table"
    assert source.split_column is None, "subjects in two splits are found in a whole table"
    reader = TableReader(source, dataset, sound_type="", label="", base=base)
    count = 0
    missing: dict[str, None] = {}
    for row in reader.checked_rows():
        if is_there(row.record):
            count += 1
        else:
            missing[row.record.record_id] = None
    if not count:
        raise nothing_there(reader, len(missing))
    return TableStream(count, tuple(missing), reader)

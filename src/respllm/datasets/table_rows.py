"""From a row of your own table to a typed recording or clip."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from respllm.datasets import table_cells as cells
from respllm.datasets.header import unknown_column
from respllm.datasets.table_file import Row, TableFile, open_table
from respllm.datasets.table_source import OptionalColumn, TableSource, codes
from respllm.errors import DataError
from respllm.types import Dms, Record

DEFAULT_NAMES = ("audio", "subject", "label", "split")
"""What a header usually has beside the optional columns."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: a recording, or the clip from `start` to `stop` of one.

    Attributes:
        record: the recording. Its `labels` are empty where the table has clips.
        start, stop: seconds from the beginning of the file; `stop` None means its end.
        label: 1, 0, or None if the cell is empty.
    """

    record: Record
    start: float
    stop: float | None
    label: int | None


def is_there(record: Record) -> bool:
    """Whether a record's file exists; a name that no file can have does not.

    Raises:
        DataError: it cannot be told, because a folder may not be read.
    """
    try:
        return record.audio_path.is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise DataError(
            f"Cannot look for a recording: {error.strerror}", where=record.record_id
        ) from error


class TableReader:
    """Turns the rows of one file into table rows; `file` is given where it is not on a disk."""

    def __init__(
        self,
        source: TableSource,
        dataset: str,
        sound_type: str,
        label: str,
        base: Path,
        file: TableFile | None = None,
    ) -> None:
        self.source = source
        self.dataset = dataset
        self.sound_type = sound_type
        self.label = label
        self.path = base / source.table
        self.audio_root = base / source.audio_root if source.audio_root else self.path.parent
        self.file = file or open_table(self.path)
        self.others = 0  # rows that are negative only because they are not `positive`
        named = (
            source.audio_column,
            source.subject_column,
            source.label_column,
            source.split_column,
            *source.where,
            *source.columns.values(),
        )
        expected = {*DEFAULT_NAMES, *get_args(OptionalColumn), *filter(None, named)}
        for name in named:
            if name is not None and name not in self.file.names:
                raise DataError(
                    unknown_column(name, self.file.names, expected),
                    where=str(self.path),
                    next_step="name the column in the task file as the table does",
                )
        optional = (self._column(field) for field in get_args(OptionalColumn))
        self._read = sorted({name for name in (*named, *optional) if name is not None})
        self.clips = any(self._column(field) is not None for field in ("start", "stop"))

    def _column(self, field: OptionalColumn) -> str | None:
        return self.source.columns.get(field, field if field in self.file.names else None)

    def checked_rows(self) -> Iterator[TableRow]:
        """As `rows`, with the rows compared; it remembers about 0.4 KB of each.

        Raises:
            DataError: a recording listed twice or with contradictory facts; no row is kept.
        """
        first: dict[str, tuple[int, int]] = {}
        stretches: set[tuple[str, float, float | None]] = set()
        for number, row in self._numbered():
            record = row.record
            stretch = (record.record_id, row.start, row.stop)
            facts = hash(repr(record))
            seen, same = first.setdefault(record.record_id, (number, facts))
            if stretch in stretches:
                raise DataError(
                    f"{record.record_id} is listed twice",
                    where=f"{self.path}, rows {seen} and {number}",
                    expected="one row for each recording, or for each start and stop in it",
                )
            if facts != same:
                raise DataError(
                    f"{record.record_id} has two subjects, splits or answers about the person",
                    where=f"{self.path}, rows {seen} and {number}",
                    expected="the same in every row of one recording",
                )
            stretches.add(stretch)
            yield row
        if not first:
            wanted = ", ".join(f"{k} = {cells.canonical(v)}" for k, v in self.source.where.items())
            raise DataError(
                "No row has the wanted values",
                where=str(self.path),
                expected=wanted,
                next_step="check `where` in the task file",
            )

    def rows(self) -> Iterator[TableRow]:
        """The rows that `where` keeps, in the table's order; unknown subjects are still "".

        Raises:
            DataError: a cell that means nothing.
        """
        return (row for _, row in self._numbered())

    def _numbered(self) -> Iterator[tuple[int, TableRow]]:
        wanted = {name: cells.canonical(value) for name, value in self.source.where.items()}
        for number, raw in enumerate(self.file.rows(), start=1):
            for name in self._read:
                if not cells.is_single(raw.get(name)):
                    raise DataError(
                        "The cell holds an object, bytes or a list of lists",
                        where=f"{self.path}, row {number}, column {name!r}",
                        expected="text, a number, true or false, or a list of these",
                    )
            if all(cells.canonical(raw.get(name)) == value for name, value in wanted.items()):
                yield number, self._row(number, raw)

    def _row(self, number: int, raw: Row) -> TableRow:
        def cell(name: str | None) -> tuple[object, str]:
            where = f"{self.path}, row {number}, column {name!r}"
            return (None if name is None else raw.get(name)), where

        audio = cells.identifier(*cell(self.source.audio_column))
        subject = ""
        if self.source.subject_column is not None:
            person = cells.identifier(*cell(self.source.subject_column))
            subject = f"{self.dataset}/{person}"
        start = cells.seconds(*cell(self._column("start"))) or 0.0
        stop = cells.seconds(*cell(self._column("stop")))
        if stop is not None and stop <= start:
            raise DataError("The clip stops before it starts", where=f"{self.path}, row {number}")
        column = self.source.split_column
        split = cells.split(*cell(column))
        label = self._answer(*cell(self.source.label_column))
        record = Record(
            record_id=f"{self.dataset}/{audio}",
            subject_id=subject,
            dataset=self.dataset,
            sound_type=self.sound_type,
            audio_path=self.audio_root / audio,
            dms=Dms(
                gender=cells.gender(*cell(self._column("gender"))),
                age=cells.age(*cell(self._column("age"))),
                medical_history=cells.items(*cell(self._column("medical_history"))),
                symptoms=cells.items(*cell(self._column("symptoms"))),
                recording_location=cells.phrase(*cell(self._column("recording_location"))),
            ),
            labels={} if self.clips or label is None else {self.label: label},
            splits={} if column is None or split is None else {column: split},
            device=cells.phrase(*cell(self._column("device"))),
            site=cells.phrase(*cell(self._column("site"))),
            language=cells.phrase(*cell(self._column("language"))),
            recruitment=cells.phrase(*cell(self._column("recruitment"))),
        )
        return TableRow(record, start, stop, label)

    def _answer(self, value: object, where: str) -> int | None:
        code = cells.canonical(value)
        positive, negative = self.source.positive, self.source.negative
        if code in codes(1 if positive is None else positive):
            return 1
        if code in codes(0 if positive is None else negative):
            return 0
        if cells.is_not_stated(value):
            return None
        if positive is not None and negative is None:
            self.others += 1
            return 0
        raise DataError(
            "Unknown label",
            where=where,
            expected="1, true, yes, 0, false, no or an empty cell"
            if positive is None
            else "a value of `positive` or `negative`, or an empty cell",
            next_step="name the values that mean 1 and 0 as `positive` and `negative`",
        )

"""A table of recordings with their zip file, answered row by row."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from functools import partial

from respllm.datasets.table_rows import TableRow
from respllm.datasets.table_upload import uploaded_rows
from respllm.errors import AudioError, SafetyError
from respllm.inference import Question
from respllm.inference.answer import Answer
from respllm.server import schemas, telling
from respllm.server.archives import Archive
from respllm.server.asking import AskedTable, spelled
from respllm.server.problems import TABLE, ProblemError
from respllm.server.service import Asking
from respllm.server.settings import Settings
from respllm.server.state import State

AHEAD = 64
"""Rows asked for before the first of them is answered: two batches, one of which is computed."""

DATASET = "table"


@dataclass(frozen=True, slots=True)
class Cohort:
    """A table that was checked from end to end, with its recordings."""

    rows: tuple[TableRow, ...]
    archive: Archive

    async def answers(
        self, state: State, question: Question
    ) -> AsyncGenerator[schemas.Reply, None]:
        """What is told of each row, in the table's order; few rows are ahead of what is taken."""
        yield schemas.Start(rows=len(self.rows))
        answered = 0
        ahead: deque[tuple[int, str, asyncio.Task[Answer]]] = deque()
        left = iter(enumerate(self.rows, start=1))
        try:
            while True:
                while len(ahead) < AHEAD and (following := next(left, None)) is not None:
                    number, row = following
                    asking = self._asking(row, question)
                    task = asyncio.create_task(state.gatherer.answer_whenever(asking))
                    ahead.append((number, asking.name, task))
                if not ahead:
                    break
                number, name, task = ahead.popleft()
                try:
                    answer = await task
                except (AudioError, SafetyError) as error:
                    yield schemas.RefusedRow(row=number, name=name, reason=str(error))
                else:
                    answered += 1
                    yield telling.answered_row(answer, name, number)
        finally:
            for _, _, task in ahead:
                task.cancel()
            await asyncio.gather(*(task for _, _, task in ahead), return_exceptions=True)
        yield schemas.End(answered=answered, refused=len(self.rows) - answered)

    def _asking(self, row: TableRow, question: Question) -> Asking:
        name = row.record.record_id.removeprefix(f"{DATASET}/")
        dms = row.record.dms
        return Asking(
            partial(self.archive.read, row.record.audio_path.as_posix()),
            name,
            question,
            replace(
                dms,
                medical_history=spelled(dms.medical_history),
                symptoms=spelled(dms.symptoms),
            ),
            row.start,
            row.stop,
        )


def open_cohort(asked: AskedTable, settings: Settings) -> Cohort:
    """Check a table and its zip file, before anything is answered.

    Raises:
        DataError: the table is not one, as `respllm predict` would say.
        ProblemError: too many rows, a zip file that is none, or none of the recordings in it.
    """
    rows: list[TableRow] = []
    for row in uploaded_rows(asked.table, asked.separator, DATASET):
        if len(rows) == settings.max_cohort_rows:
            raise ProblemError(
                TABLE,
                "The table has too many rows",
                where="table",
                expected=f"at most {settings.max_cohort_rows}",
            )
        rows.append(row)
    archive = Archive(asked.recordings, settings)
    if not any(row.record.audio_path.as_posix() in archive for row in rows):
        raise ProblemError(
            TABLE,
            f"None of the {len(rows)} recordings is in the zip file",
            where="recordings",
            expected="files under the names in the table's column `audio`",
        )
    unpacked = sum(archive.size(row.record.audio_path.as_posix()) for row in rows)
    if unpacked > settings.max_unpacked_bytes:
        raise ProblemError(
            TABLE,
            "The recordings of all rows unfold to too much",
            where="recordings",
            expected=f"at most {settings.max_unpacked_bytes} bytes",
        )
    return Cohort(tuple(rows), archive)

"""Settings that say where your own recordings are listed and what the columns mean."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from respllm.config import StrictModel
from respllm.datasets.table_cells import canonical

Scalar = bool | int | float | str
OptionalColumn = Literal[
    "gender",
    "age",
    "medical_history",
    "symptoms",
    "recording_location",
    "device",
    "site",
    "language",
    "recruitment",
    "start",
    "stop",
]


class TableSource(StrictModel):
    """Where your recordings are listed and what the columns mean. Relative paths start where
    the caller says (a task file: its folder).

    Attributes:
        table: CSV, TSV, Parquet, JSON lines, or a JSON list of objects.
        audio_column: path of the recording, relative to `audio_root`.
        audio_root: folder of the recordings; by default the table's folder.
        subject_column: who was recorded; `None` if that is not known: then byte-identical
            recordings count as one subject and every recording else as its own.
        label_column: the answer; an empty cell is an unknown one. `None`: the table has none, its
            recordings can only be predicted.
        positive: cell value(s) that mean 1; by default 1, true, yes.
        negative: cell value(s) that mean 0; by default 0, false, no if `positive` is not given
            either, else every other stated value. With both given any other value is an error.
        split_column: train, validation (val, valid, dev) or test; in
            `Record.splits` it has the column's name. `None` splits by subject.
        where: column -> value; only rows that have all these values are read.
        columns: where gender, age, medical_history, symptoms, recording_location, start and stop
            (seconds) are found, and device, site, language and recruitment, which are for audits
            only. By default in the column of that name, if there is one; `null` leaves such a
            column unread. With start or stop a row is a clip of its recording.
    """

    table: Path
    audio_column: str = "audio"
    audio_root: Path | None = None
    subject_column: str | None = None
    label_column: str | None = "label"
    positive: Scalar | tuple[Scalar, ...] | None = None
    negative: Scalar | tuple[Scalar, ...] | None = None
    split_column: str | None = None
    where: dict[str, Scalar] = Field(default_factory=dict)
    columns: dict[OptionalColumn, str | None] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if self.positive is None and self.negative is not None:
            raise ValueError("`negative` needs `positive` beside it")
        if codes(self.positive) & codes(self.negative):
            raise ValueError("`positive` and `negative` share a value")
        return self


def codes(values: Scalar | tuple[Scalar, ...] | None) -> set[str]:
    """The given value(s) as `table_cells.canonical` codes."""
    listed = values if isinstance(values, tuple) else () if values is None else (values,)
    return {canonical(value) for value in listed}

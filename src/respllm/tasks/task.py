"""A task, declared as data: the words it is asked in and where its recordings come from."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from respllm.config import StrictModel
from respllm.datasets.table import TableSource
from respllm.errors import ConfigError, unknown_name
from respllm.types import PROTOCOLS, SPLITS, Example, ProtocolName, Split

if TYPE_CHECKING:
    from respllm.tasks.selection import Selection

Role = Literal["source", "target"]
BY_SUBJECT = "by subject"


def _written(text: str) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs") and not c.isspace() for c in text):
        raise ValueError("the text holds control characters")
    return text


Words = Annotated[str, AfterValidator(_written)]


class DatasetSource(StrictModel):
    """Recordings of a registered dataset.

    Attributes:
        name: registry name ("icbhi").
        sound_type: which of the dataset's sounds ("lung").
        label: which of the dataset's conditions ("copd"), or "abnormal_sound": any crackle or
            wheeze annotated within the clip.
        split: name of the published split to follow, or "by subject".
    """

    name: str
    sound_type: str
    label: str
    split: str = BY_SUBJECT


class Task(StrictModel):
    """One question about one kind of recording.

    Attributes:
        id: short name ("S7").
        dataset_description, question, sound, word_for_1, word_for_0: the prompt's words; see
            `respllm.prompts.task_prompt`.
        role: "source" tasks have training, validation and test parts; of a "target" task every
            record is for testing.
        condition: what tables call the condition; by default `word_for_1`.
        dataset: recordings of a registered dataset, or
        table: recordings of your own table. Exactly one of the two.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    dataset_description: Words = Field(min_length=1)
    question: Words = Field(min_length=1)
    sound: Words = Field(min_length=1)
    word_for_1: Words = Field(min_length=1)
    word_for_0: Words = Field(min_length=1)
    role: Role = "source"
    condition: Words = ""
    dataset: DatasetSource | None = None
    table: TableSource | None = None

    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.table is None):
            raise ValueError("give exactly one of `dataset` and `table`")
        return self

    @property
    def dataset_name(self) -> str:
        """Registry name of the dataset, or the task's id for an own table."""
        return self.dataset.name if self.dataset else self.id

    @property
    def sound_type(self) -> str:
        """Registry name of the sound, or the prompt's words for it."""
        return self.dataset.sound_type if self.dataset else self.sound

    @property
    def condition_name(self) -> str:
        """What tables call the condition."""
        return self.condition or self.word_for_1

    @property
    def folder(self) -> Path:
        """The folder of the task file; relative paths in it start there."""
        return self._folder

    def located(self, folder: Path) -> Task:
        """This task as read from a file in `folder`."""
        task = self.model_copy()
        task._folder = folder
        return task

    def select(self, data_root: str | Path, protocol: ProtocolName = "paper") -> Selection:
        """Every example of the task by split, with what was left out and why.

        Raises:
            DataError: the dataset is not there or not as published.
        """
        from respllm.tasks.selection import select

        return select(self, Path(data_root), _checked(protocol, PROTOCOLS, "protocol"))

    def examples(
        self, data_root: str | Path, split: Split, protocol: ProtocolName = "paper"
    ) -> list[Example]:
        """The examples of one part of the task, in a fixed order.

        Args:
            data_root: holds one folder per dataset.
            split: "train", "validation" or "test".
            protocol: "paper" or "clean"; see `respllm.tasks.selection`.
        """
        parts = self.select(data_root, protocol).parts
        return list(parts[_checked(split, SPLITS, "split")])


Name = TypeVar("Name", bound=str)


def _checked(value: Name, allowed: tuple[Name, ...], kind: str) -> Name:
    if value not in allowed:
        raise ConfigError(unknown_name(kind, value, allowed))
    return value

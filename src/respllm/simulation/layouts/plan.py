"""What a dataset's layout is given, and what it plans to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from respllm.simulation.answers import Answers
from respllm.simulation.devices import Device
from respllm.simulation.population import People
from respllm.simulation.questions import SoundKind
from respllm.simulation.sounds import Cycle
from respllm.types import Split


@dataclass(frozen=True, slots=True)
class Sample:
    """The people of one dataset and what they state.

    Attributes:
        people: n people.
        answers: what they state.
        parts: (n,) the part of each person in the dataset's official split.
        label_stated: for each label of the dataset, (n,) whether it is known.
    """

    people: People
    answers: Answers
    parts: tuple[Split, ...]
    label_stated: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to write: its path within the dataset's folder, its record id, its device."""

    path: str
    record_id: str
    device: Device


@dataclass(frozen=True, slots=True)
class PlannedRecording:
    """One recording of one person; its files are the same sound through different devices.

    Attributes:
        person: index within the sample.
        subject_id: of the person.
        sound: the dataset's name of the sound, as in `questions`.
        kind: how it is synthesised.
        files: at least one.
    """

    person: int
    subject_id: str
    sound: str
    kind: SoundKind
    files: tuple[PlannedFile, ...]


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What a table says about a file that has been written.

    Attributes:
        bytes: its size.
        sampling_rate: Hz.
        frames: samples.
        cycles: breathing cycles or coughs in it.
    """

    bytes: int
    sampling_rate: int
    frames: int
    cycles: tuple[Cycle, ...]


class Layout(Protocol):
    """One dataset's folder layout, for one sample of people."""

    def recordings(self) -> list[PlannedRecording]:
        """Every recording to write."""

    def tables(self, written: Mapping[str, WrittenFile]) -> dict[str, bytes]:
        """Every other file: path within the dataset's folder -> content.

        Args:
            written: the recordings' files, by path.
        """

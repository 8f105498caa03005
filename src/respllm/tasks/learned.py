"""Whom and what a model has learned from, so that nobody of them is taken for held out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from respllm.audio import AudioIndex
from respllm.errors import CheckpointError
from respllm.types import Example


@dataclass(frozen=True, slots=True)
class Learned:
    """People and recordings of training and validation parts, as hashes: it names nobody.

    A recording is known by its content too, whatever task, table or person's name it comes under.
    """

    people: frozenset[str]
    recordings: frozenset[str]

    @classmethod
    def of(cls, examples: Iterable[Example]) -> Learned:
        """From the examples of training and validation parts."""
        found = list(examples)
        return cls(
            frozenset(_hash(example.clip.record.subject_id) for example in found),
            frozenset(_contents(found).values()),
        )

    @classmethod
    def read(cls, path: Path) -> Learned:
        """From a run's folder.

        Raises:
            CheckpointError: not there or damaged.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if set(content) != {"people", "recordings"}:  # another version's
                raise ValueError("entries")
            return cls(frozenset(content["people"]), frozenset(content["recordings"]))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(
                "Whom this run learned from cannot be read",
                where=str(path),
                next_step="train again; without it nobody can be told to be held out",
            ) from error

    def plain(self) -> dict[str, list[str]]:
        """As JSON."""
        return {"people": sorted(self.people), "recordings": sorted(self.recordings)}

    def __or__(self, other: Learned) -> Learned:
        return Learned(self.people | other.people, self.recordings | other.recordings)

    def among(self, examples: Iterable[Example]) -> frozenset[str]:
        """Record ids of those examples whose person or whose sound was learned from."""
        found = list(examples)
        contents = _contents(found)
        return frozenset(
            example.clip.record.record_id
            for example in found
            if _hash(example.clip.record.subject_id) in self.people
            or contents.get(example.clip.record.audio_path) in self.recordings
        )


def _contents(examples: list[Example]) -> dict[Path, str]:
    facts = AudioIndex().facts_of(example.clip.record.audio_path for example in examples)
    return {path: fact.sha256 for path, fact in facts.items() if fact.sha256 is not None}


def _hash(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()

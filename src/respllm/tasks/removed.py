"""Who was removed from a data root: left out of every selection, whatever the protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from respllm.audio import AudioIndex
from respllm.config import StrictModel
from respllm.datasets.fetching.writing import write_whole
from respllm.errors import DataError
from respllm.tasks.candidate import Candidate, Exclusion

REMOVED = "removed.jsonl"
REASON = "this person was removed from the data"


class Removal(StrictModel):
    """One person's removal: a line of `removed.jsonl` in the data root.

    Attributes:
        format: of the line.
        people: SHA-256 of each name that the person has in tasks.
        recordings: SHA-256 of the person's recordings that are nobody else's, so that the person
            is known under a later name too.
        reason: as given.
        listed: when it was asked for, in UTC; from then on the person is left out.
        finished: when the rest was last done, in UTC; None: it was interrupted.
        tokens, facts, rows: cached sets of audio tokens, facts about files, and rows of results
            that were deleted, in all.
    """

    format: Literal[1] = 1
    people: tuple[str, ...]
    recordings: tuple[str, ...] = ()
    reason: str = ""
    listed: str
    finished: str | None = None
    tokens: int = 0
    facts: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Removed:
    """Everybody who was removed from a data root."""

    removals: tuple[Removal, ...]

    @classmethod
    def read(cls, data_root: Path) -> Removed:
        """From `removed.jsonl`; nobody where there is none.

        Raises:
            DataError: it cannot be read. Without it nobody can be known to be left out.
        """
        path = data_root / REMOVED
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            return cls(tuple(map(Removal.model_validate_json, lines)))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise DataError(
                f"Who was removed cannot be read ({type(error).__name__})",
                where=str(path),
                expected="lines of format 1, as `respllm forget` writes them",
                next_step="restore the file, or use the version of respllm that wrote it: "
                "without it people who were removed would be learned from again",
            ) from error

    @property
    def names(self) -> frozenset[str]:
        """Hashes of all names and recordings that are left out."""
        return frozenset(
            name for removal in self.removals for name in (*removal.people, *removal.recordings)
        )

    def write(self, data_root: Path) -> None:
        """Keep it: the file is the old or the new one, never half of it."""
        lines = "".join(removal.model_dump_json() + "\n" for removal in self.removals)
        write_whole(data_root / REMOVED, lines.encode())

    def leave_out(
        self, candidates: Sequence[Candidate], person_of: Callable[[str], str], index: AudioIndex
    ) -> tuple[list[Candidate], list[Exclusion], tuple[str, ...]]:
        """Candidates without those of removed people, who they were, and a note with counts.

        Args:
            candidates: of one task.
            person_of: subject id -> the name that the person has in all tasks of one table.
        """
        if not self.removals:
            return list(candidates), [], ()
        people = {name for removal in self.removals for name in removal.people}
        recordings = {sha256 for removal in self.removals for sha256 in removal.recordings}
        subjects = {candidate.record.subject_id for candidate in candidates}
        gone = {s for s in subjects if {name_hash(s), name_hash(person_of(s))} & people}
        kept = [c for c in candidates if c.record.subject_id not in gone]
        if recordings:
            # After the names: the recordings of who was removed are not looked at any more.
            facts = index.facts_of(candidate.record.audio_path for candidate in kept)
            kept = [c for c in kept if facts[c.record.audio_path].sha256 not in recordings]
        stay = {candidate.record.record_id for candidate in kept}
        names = {
            c.record.record_id: c.record.subject_id
            for c in candidates
            if c.record.record_id not in stay
        }
        if not names:
            return kept, [], ()
        note = (
            f"{len(names)} recordings of {len(set(names.values()))} people left out: they were "
            f"removed ({REMOVED})"
        )
        return kept, [Exclusion(name, REASON) for name in names], (note,)


def name_hash(name: str) -> str:
    """What stands for a person's name where it need not be read."""
    return hashlib.sha256(name.encode()).hexdigest()

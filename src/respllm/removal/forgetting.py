"""Remove one person: listed first, so that a removal that is interrupted already holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from respllm.audio import AudioIndex, default_cache_dir
from respllm.encoders import TOKENS_FOLDER, TokenCache
from respllm.errors import DataError, RespllmError
from respllm.removal.folders import remove_from_folder, runs_that_learned, still_naming
from respllm.removal.person import Person, find_person, nobody, read_places
from respllm.removal.rows import Names, records_of, remove_rows
from respllm.tasks import Task
from respllm.tasks.removed import REMOVED, Removal, Removed, name_hash

WAIT_SECONDS = 600.0
"""For another removal from the same data root."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of one person, and what was not.

    Attributes:
        subject: as asked for.
        listed: whether the person was on the list of removed people before.
        recordings: of the person in the data; their files are left where they are.
        tokens, facts: sets of audio tokens and facts about files deleted from the cache.
        rows: rows deleted, by file.
        shared: recordings whose cached tokens stay, because another person has the same sound.
        learned: runs that learned from the person: their weights cannot forget, train them again.
        naming: files that still name the person or a recording: make them again or delete them.
        problems: datasets that could not be looked at.
        record: the file that says that it was done.
    """

    subject: str
    listed: bool
    recordings: int
    tokens: int
    facts: int
    rows: dict[Path, int]
    shared: tuple[str, ...]
    learned: tuple[Path, ...]
    naming: tuple[Path, ...]
    problems: tuple[str, ...]
    record: Path


def forget(
    subject: str,
    data_root: Path,
    *,
    tasks: Sequence[Task] = (),
    folders: Sequence[Path] = (),
    files: Sequence[Path] = (),
    cache_dir: Path | None = None,
    reason: str = "",
) -> Forgotten:
    """Remove a person from the cache, from results and from every later training and test.

    Recordings and the datasets' own tables are not touched. Done twice, it changes nothing more;
    interrupted, it is done to the end by a second call. Of two at once in one data root the second
    waits for the first.

    Args:
        subject: a subject's id, as in tables of predictions.
        data_root: where `removed.jsonl` is kept, which every selection from it honours.
        tasks: whose own tables are looked at, beside the data root's datasets.
        folders: of runs and studies, whose tables of results lose the person's rows.
        files: tables of predictions elsewhere.
        cache_dir: None is `default_cache_dir()`.
        reason: kept in the record.

    Raises:
        DataError: nobody has this id; a file that is no table of results; nothing was changed.
        RespllmError: something cannot be written; call it again.
    """
    if not data_root.is_dir():
        raise DataError(f"No folder {data_root}", next_step="name the data root")
    with _alone(data_root):
        return _forget(subject, data_root, tasks, folders, files, cache_dir, reason)


def _forget(
    subject: str,
    data_root: Path,
    tasks: Sequence[Task],
    folders: Sequence[Path],
    files: Sequence[Path],
    cache_dir: Path | None,
    reason: str,
) -> Forgotten:
    removed = Removed.read(data_root)
    if not subject.strip():
        raise nobody(subject, (), data_root)  # rows may have an empty cell for the subject
    places, problems = read_places(data_root, tasks)
    person = find_person(subject, places)
    named = [records_of(path, Names(person.names, frozenset())) for path in files]
    earlier = _earlier(removed, person)
    records = {record.record_id for record in person.records}
    names = Names(person.names, frozenset(records.union(*named)))
    learned = [run for folder in folders for run in runs_that_learned(folder, person)]
    there = any(still_naming(folder, names) for folder in folders)
    if not (person.records or any(named) or earlier or learned or there):
        raise nobody(subject, places, data_root)
    removal = _listed(earlier, person, reason)
    if removal != earlier:
        removed = _with(removed, earlier, removal, data_root)
        # Once more: a run that was being prepared has now said so, or will see the list.
        learned = [run for folder in folders for run in runs_that_learned(folder, person)]
    tokens, facts = _uncached(person, cache_dir or default_cache_dir())
    rows: dict[Path, int] = {}
    for path in files:
        if count := remove_rows(path, names):
            rows[path] = count
    for folder in folders:
        rows |= remove_from_folder(folder, names)
    if tokens or facts or rows or removal.finished is None:
        done = removal.model_copy(
            update={
                "finished": _now(),
                "tokens": removal.tokens + tokens,
                "facts": removal.facts + facts,
                "rows": removal.rows + sum(rows.values()),
            }
        )
        _with(removed, removal, done, data_root)
    return Forgotten(
        subject=subject,
        listed=earlier is not None,
        recordings=len(person.records),
        tokens=tokens,
        facts=facts,
        rows=rows,
        shared=person.shared,
        learned=tuple(dict.fromkeys(learned)),
        naming=tuple(p for folder in folders for p in still_naming(folder, names)),
        problems=problems,
        record=data_root / REMOVED,
    )


@contextmanager
def _alone(data_root: Path) -> Iterator[None]:
    """Hold the data root's list of removed people; nothing stays of the lock."""
    path = data_root / f"{REMOVED}.lock"
    lock = FileLock(path, timeout=WAIT_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise RespllmError(
            f"Another removal from this data root has not ended for {WAIT_SECONDS:g} s",
            where=str(data_root),
            next_step="wait for it, or end it, and call it again",
        ) from error
    except OSError as error:
        raise RespllmError(
            f"The list of removed people cannot be written ({type(error).__name__})",
            where=str(path),
            next_step="make the data root writable, or free some space, and call it again",
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # where an open file cannot be deleted it stays, empty
            path.unlink()  # while it is held: who waits for it notices, and makes a new one
        lock.release()


def _earlier(removed: Removed, person: Person) -> Removal | None:
    hashes = {name_hash(name) for name in person.names}
    return next((one for one in removed.removals if hashes & set(one.people)), None)


def _listed(earlier: Removal | None, person: Person, reason: str) -> Removal:
    """The removal with all names and sounds that are known now; as it was if none is new."""
    people = {name_hash(name) for name in person.names}
    before = earlier or Removal(people=(), reason=reason, listed=_now())
    return before.model_copy(
        update={
            "people": tuple(sorted(people | set(before.people))),
            "recordings": tuple(sorted(person.own | set(before.recordings))),
        }
    )


def _with(removed: Removed, old: Removal | None, new: Removal, data_root: Path) -> Removed:
    lines = [new if one == old else one for one in removed.removals]
    changed = Removed(tuple(lines if old is not None else [*lines, new]))
    changed.write(data_root)
    return changed


def _uncached(person: Person, cache_dir: Path) -> tuple[int, int]:
    if not cache_dir.is_dir():
        return 0, 0
    index = AudioIndex(cache_dir)
    # A file may have been another one when it was heard.
    earlier = index.contents(person.paths)
    own = person.own | (earlier - person.contents)
    folder = cache_dir / TOKENS_FOLDER
    tokens = TokenCache(folder).remove(own) if folder.is_dir() else 0
    return tokens, index.remove(person.paths, own)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

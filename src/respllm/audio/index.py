"""Facts about audio files, kept between runs so that a second run opens none of them."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import platformdirs

from respllm.audio.headers import AudioFacts, read_facts
from respllm.errors import RespllmError

FILE_NAME = "audio-index-1.sqlite"
"""Raise the number when a column's meaning changes: an old index is then simply left behind."""

# The default rollback journal, not WAL: it also works on network drives.
_TABLE = """CREATE TABLE IF NOT EXISTS facts (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER,
    sha256 TEXT, seconds REAL, sample_rate INTEGER, channels INTEGER, error TEXT
) WITHOUT ROWID"""
_SELECT = """SELECT sha256, seconds, sample_rate, channels, error FROM facts
    WHERE path = ? AND size = ? AND mtime_ns = ?"""
_WAIT_SECONDS = 60.0  # for another process that is writing
_CHUNK = 2048  # a killed run loses at most this many facts, about a second of work
_NOT_DAMAGE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
}

_log = logging.getLogger(__name__)
Result = TypeVar("Result")


def default_cache_dir() -> Path:
    """Where derived data is kept: `$RESPLLM_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("RESPLLM_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("respllm")


class AudioIndex:
    """Facts about audio files in one SQLite file, keyed by path, size and time of change.

    Threads and processes may share it; a killed process leaves it whole. A damaged index is
    rebuilt, with a notice: it holds nothing that cannot be found again.

    Args:
        folder: where `audio-index-1.sqlite` is kept; None is `default_cache_dir()`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = (folder or default_cache_dir()) / FILE_NAME
        self._lock = threading.Lock()

    def facts(self, path: Path) -> AudioFacts:
        """Facts about one file; see `facts_of`."""
        return self.facts_of([path])[path]

    def facts_of(self, paths: Iterable[Path]) -> dict[Path, AudioFacts]:
        """Facts about many files, each looked at once; unchanged files are not opened.

        A file that is missing or unreadable gives facts with `error` set; it raises nothing.

        Raises:
            RespllmError: the index cannot be written (no space, no permission).
        """
        wanted = list(dict.fromkeys(paths))
        stamps = {path: _stamp(path) for path in wanted}
        found = self._with_database(partial(_recall, stamps=stamps))
        new = [path for path in wanted if path not in found]
        # Hashing and reading headers release the interpreter lock.
        with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
            for first in range(0, len(new), _CHUNK):
                chunk = list(pool.map(read_facts, new[first : first + _CHUNK]))
                # What cannot be read now may be readable later; what changed meanwhile will differ.
                lasting = [f for f in chunk if f.sha256 and _stamp(f.path) == stamps[f.path]]
                rows = [_row(facts, stamps[facts.path]) for facts in lasting]
                self._with_database(partial(_remember, rows=rows))
                found.update({facts.path: facts for facts in chunk})
        return {path: found[path] for path in wanted}

    def clear(self) -> None:
        """Forget everything; the next look at a file opens it again."""
        self._file.with_name(f"{FILE_NAME}-journal").unlink(missing_ok=True)
        self._file.unlink(missing_ok=True)

    def _with_database(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with self._lock:
            try:
                try:
                    return self._attempt(work)
                except sqlite3.Error as error:
                    if _primary_code(error) in _NOT_DAMAGE:
                        raise
                    _log.warning("%s is damaged (%s): rebuilding it", self._file, error)
                    self.clear()
                    return self._attempt(work)
            except (sqlite3.Error, OSError) as error:
                raise RespllmError(
                    f"Cannot use the audio index: {error}",
                    where=str(self._file),
                    next_step="free space, or point RESPLLM_CACHE to a folder that can be written",
                ) from error

    def _attempt(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch(mode=0o600)  # names of patients' files: for the owner only
        with closing(sqlite3.connect(self._file, timeout=_WAIT_SECONDS)) as database, database:
            database.execute(_TABLE)
            return work(database)


def _recall(
    database: sqlite3.Connection, stamps: dict[Path, tuple[int, int] | None]
) -> dict[Path, AudioFacts]:
    found = {}
    for path, stamp in stamps.items():
        row = stamp and database.execute(_SELECT, (_key(path), *stamp)).fetchone()
        if row:
            found[path] = AudioFacts(path, *row)
    return found


def _remember(database: sqlite3.Connection, rows: list[tuple]) -> None:
    database.executemany("REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _row(facts: AudioFacts, stamp: tuple[int, int] | None) -> tuple:
    assert stamp is not None, "facts with a hash come from a file that was there"
    return (
        *(_key(facts.path), *stamp),
        *(facts.sha256, facts.seconds, facts.sample_rate, facts.channels, facts.error),
    )


def _key(path: Path) -> bytes:
    return os.fsencode(os.path.abspath(path))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    return stat.st_size, stat.st_mtime_ns


def _primary_code(error: sqlite3.Error) -> int | None:
    # Text that is no UTF-8 raises an error without a code: damage.
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF

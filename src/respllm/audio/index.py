"""Facts about audio files, kept between runs so that a second run opens none of them."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import zlib
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
    sha256 TEXT, seconds REAL, sample_rate INTEGER, channels INTEGER, error TEXT, crc32 INTEGER
) WITHOUT ROWID"""
_SELECT = """SELECT sha256, seconds, sample_rate, channels, error, crc32 FROM facts
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

    def contents(self, paths: Iterable[Path]) -> frozenset[str]:
        """SHA-256 that files had when they were last looked at; no file is opened."""
        if not self._file.exists():
            return frozenset()
        return self._with_database(partial(_contents, paths=list(paths)))

    def remove(self, paths: Iterable[Path], recordings: Iterable[str]) -> int:
        """Forget some files, and every file with the content of some recordings.

        What was known is overwritten, not only marked as free.

        Args:
            recordings: SHA-256 of their bytes.

        Returns:
            Number of files forgotten.

        Raises:
            RespllmError: the index cannot be written.
        """
        if not self._file.exists():
            return 0
        return self._with_database(partial(_forget, paths=list(paths), recordings=[*recordings]))

    def _with_database(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with self._lock:
            try:
                try:
                    return self._attempt(work)
                except (sqlite3.Error, UnicodeDecodeError) as error:
                    if _primary_code(error) in _NOT_DAMAGE:
                        raise
                    _log.warning(
                        "%s is damaged or of another version (%s): rebuilding it", self._file, error
                    )
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
        # SQLite does not notice a false byte in a value: such a file is looked at again.
        if row and stamp and row[-1] == _checksum((_key(path), *stamp, *row[:-1])):
            found[path] = AudioFacts(path, *row[:-1])
    return found


def _remember(database: sqlite3.Connection, rows: list[tuple]) -> None:
    database.executemany("REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _contents(database: sqlite3.Connection, paths: list[Path]) -> frozenset[str]:
    found = (
        database.execute("SELECT sha256 FROM facts WHERE path = ?", (_key(path),)).fetchone()
        for path in paths
    )
    return frozenset(row[0] for row in found if row and row[0])


def _forget(database: sqlite3.Connection, paths: list[Path], recordings: list[str]) -> int:
    # Without it the names would stay readable in the file's free pages.
    database.execute("PRAGMA secure_delete = ON")
    before = database.total_changes
    database.executemany("DELETE FROM facts WHERE path = ?", [(_key(path),) for path in paths])
    database.executemany("DELETE FROM facts WHERE sha256 = ?", [(one,) for one in recordings])
    return database.total_changes - before


def _row(facts: AudioFacts, stamp: tuple[int, int] | None) -> tuple:
    assert stamp is not None, "facts with a hash come from a file that was there"
    row = (
        *(_key(facts.path), *stamp),
        *(facts.sha256, facts.seconds, facts.sample_rate, facts.channels, facts.error),
    )
    return (*row, _checksum(row))


def _checksum(row: tuple) -> int:
    return zlib.crc32(repr(row).encode("utf-8", "backslashreplace"))


def _key(path: Path) -> bytes:
    return os.fsencode(os.path.abspath(path))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    return stat.st_size, stat.st_mtime_ns


def _primary_code(error: Exception) -> int | None:
    # Text that is no UTF-8 raises an error without a code: damage.
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF

"""Recordings in a zip file that came from a stranger: read in memory, each when it is wanted.

A name in it is only compared with what a table says; it never becomes a path.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from respllm.errors import AudioError
from respllm.server.problems import TABLE, ProblemError
from respllm.server.settings import Settings

ENTRY_MARK = b"PK\x01\x02"
"""Begins each entry of a zip's table of contents."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others may ask for gigabytes to unpack a few."""
FOREIGN_FOLDERS = ("__MACOSX/",)
ENCRYPTED = 0x1


class Archive:
    """The recordings of a zip file by the names that a table may give them.

    Args:
        content: of the file.
        settings: how much may be in it.

    Raises:
        ProblemError: no zip file, too many entries, two of one name, too much to unpack.
    """

    def __init__(self, content: bytes, settings: Settings) -> None:
        self._settings = settings
        most = 2 * settings.max_cohort_rows
        if content.count(ENTRY_MARK) > most:  # before anything is made of them
            raise _refused("The zip file has too many entries", f"at most {most}")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
            raise _refused("The recordings are no zip file", "a zip file") from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            name = entry.filename.replace("\\", "/")
            if name.startswith(FOREIGN_FOLDERS):
                continue
            if name in self._entries:
                raise _refused("Two entries of the zip file have one name", "each name once")
            self._entries[name] = entry
        unpacked = sum(entry.file_size for entry in self._entries.values())
        if unpacked > settings.max_unpacked_bytes:
            raise _refused(
                "The zip file unfolds to too much",
                f"at most {settings.max_unpacked_bytes} bytes",
            )
        self._folder = self._common_folder()

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def read(self, name: str) -> bytes:
        """A recording's bytes; threads may read side by side.

        Raises:
            AudioError: not there, encrypted, damaged, too large or packed too tightly.
        """
        entry = self._find(name)
        if entry is None:
            raise AudioError("The zip file has no such recording")
        if entry.flag_bits & ENCRYPTED:
            raise AudioError("The recording is encrypted", next_step="zip it without a password")
        if entry.compress_type not in METHODS:
            raise AudioError("The recording is packed in an unusual way", expected="deflate")
        if entry.file_size > self._settings.max_upload_bytes:
            raise AudioError(
                "The recording is too large",
                expected=f"at most {self._settings.max_upload_bytes} bytes",
            )
        if entry.file_size > self._settings.max_ratio * max(1, entry.compress_size):
            raise AudioError(
                "The recording is packed too tightly",
                expected=f"at most {self._settings.max_ratio:g} times its packed size",
            )
        try:
            with self._zip.open(entry) as file:
                return file.read(entry.file_size)
        except (
            *(zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError),
            OverflowError,  # an offset that no file can have
        ):
            raise AudioError("The recording is damaged in the zip file") from None

    def size(self, name: str) -> int:
        """Unpacked bytes of a recording; 0 if it is not there."""
        entry = self._find(name)
        return 0 if entry is None else entry.file_size

    def _find(self, name: str) -> zipfile.ZipInfo | None:
        return self._entries.get(name) or self._entries.get(self._folder + name)

    def _common_folder(self) -> str:
        """The one folder in which all entries are, as where a folder was zipped; "" if none."""
        tops = {name.partition("/")[0] + "/" for name in self._entries}
        return tops.pop() if len(tops) == 1 else ""


def _refused(what: str, expected: str) -> ProblemError:
    return ProblemError(TABLE, what, where="recordings", expected=expected)

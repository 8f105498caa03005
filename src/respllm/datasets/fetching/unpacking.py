"""Unpack an archive that may be hostile: nothing outside the folder, nothing but files, bounded.

Only regular files are written, each new and by its own bytes; a link, a device or a name that
leaves the folder stops everything. What is declared is not believed: what is written is counted.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from respllm.datasets.fetching.errors import FetchError, UnsafeArchive
from respllm.datasets.fetching.joined import JoinedFiles, NoSuchPlace
from respllm.datasets.fetching.names import safe_parts
from respllm.datasets.fetching.record import Unpacked
from respllm.datasets.fetching.remote import Progress, no_progress
from respllm.datasets.fetching.split_zip import open_split_zip

BLOCK = 2**20
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError),
    *(NoSuchPlace, struct.error, ValueError, OverflowError, LookupError),
)
"""What `zipfile`, `gzip` and `tarfile` raise for an archive they cannot read."""
_SYSTEM_FILES = {"__MACOSX", ".DS_Store", "Thumbs.db"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may unpack to.

    Attributes:
        entries: files and folders.
        ratio: unpacked bytes for each byte of the archive; recordings pack to a half, not a tenth.
        floor: bytes up to which the ratio is not asked for.
        largest: bytes of one file.
    """

    entries: int = 1_000_000
    ratio: int = 20
    floor: int = 16 * 2**20
    largest: int = 4 * 2**30


@dataclass(slots=True)
class Writer:
    """Writes entries under `folder`, which is new, and counts.

    Attributes:
        bound: bytes that may be written in all.
        tops: first part of a name -> (files, bytes) under it.
    """

    folder: Path
    archive: str
    limits: Limits
    bound: int
    entries: int = 0
    written: int = 0
    tops: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def count_entry(self) -> None:
        """Count one entry of any kind.

        Raises:
            UnsafeArchive: there are too many.
        """
        self.entries += 1
        if self.entries > self.limits.entries:
            raise self.refuse(f"It has more than {self.limits.entries} entries")

    def write(self, name: str, size: int, content: IO[bytes]) -> None:
        """Write one file of `size` declared bytes; files of operating systems are passed over.

        Raises:
            UnsafeArchive: the name or the size may not be written.
            FetchError: the content is not as long as declared.
        """
        parts = safe_parts(name, self.archive)
        if _SYSTEM_FILES & set(parts) or parts[-1].startswith("._"):
            return
        if not 0 <= size <= self.limits.largest or self.written + size > self.bound:
            raise self.refuse(f"It unpacks to more than it may ({name!r} has {size} bytes)")
        path = self.folder.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as out:
                left = size
                while left and (block := content.read(min(BLOCK, left))):
                    out.write(block)
                    left -= len(block)
        except (FileExistsError, NotADirectoryError) as error:
            raise self.refuse(f"Two entries are named {name!r}, or one is a folder") from error
        # The end is read too: it carries the entry's check sum.
        if left or content.read(1):
            raise FetchError(
                f"{name!r} is not as long as declared", where=self.archive, next_step=AGAIN
            )
        self.written += size
        self.tops[parts[0]][0] += 1
        self.tops[parts[0]][1] += size

    def refuse(self, what: str) -> UnsafeArchive:
        """The error for an archive that is not used."""
        return UnsafeArchive(
            what,
            where=self.archive,
            expected="files and folders only, in the size of a dataset",
            next_step="do not use this archive; report it to its publisher",
        )


AGAIN = "delete the archive and fetch again; if that does not help, report it to its publisher"


def unpack(
    parts: Sequence[Path],
    folder: Path,
    limits: Limits | None = None,
    progress: Progress = no_progress,
) -> dict[str, Unpacked]:
    """Unpack an archive into the new folder `folder`.

    Args:
        parts: the archive, or its parts in order: `.zip`; `.z01`, ..., `.zip`; `.tar.gz`;
            `.tar.gz.aa`, `.tar.gz.ab`, ....

    Returns:
        First part of the names -> what is under it.

    Raises:
        UnsafeArchive: it would write where it must not, or more than it may.
        FetchError: it is damaged, or holds nothing.
    """
    limits = limits or Limits()
    folder.mkdir(parents=True)
    size = sum(path.stat().st_size for path in parts)
    archive = str(parts[0]) if len(parts) == 1 else f"{parts[0]} to {parts[-1].name}"
    writer = Writer(folder, archive, limits, max(limits.floor, limits.ratio * size))
    try:
        if parts[-1].name.lower().endswith(".zip"):
            _unpack_zip(parts, writer, progress)
        else:
            from respllm.datasets.fetching.unpacking_tar import unpack_tar

            unpack_tar(parts, writer, size, progress)
    except FetchError:
        raise
    except DAMAGED as error:
        raise FetchError(
            f"The archive is damaged: {error}", where=archive, next_step=AGAIN
        ) from error
    if not writer.tops:
        raise FetchError("The archive holds no file", where=archive, next_step=AGAIN)
    return {top: Unpacked(files=n, bytes=size) for top, (n, size) in sorted(writer.tops.items())}


def _unpack_zip(parts: Sequence[Path], writer: Writer, progress: Progress) -> None:
    with (
        JoinedFiles(parts) if len(parts) == 1 else open_split_zip(parts) as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        entries = archive.infolist()
        total = sum(entry.file_size for entry in entries)
        if len(entries) > writer.limits.entries or total > writer.bound:
            raise writer.refuse(f"It declares {len(entries)} entries of {total} bytes")
        check_room(writer.folder, total)
        for entry in entries:
            writer.count_entry()
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or entry.flag_bits & 1:
                raise writer.refuse(f"{entry.orig_filename!r} is a link, a device or encrypted")
            if entry.is_dir():
                safe_parts(entry.orig_filename, writer.archive)
                continue
            with archive.open(entry) as content:
                writer.write(entry.orig_filename, entry.file_size, content)
            progress(f"unpacking {parts[-1].name}", writer.written, total)


def check_room(folder: Path, needed: int) -> None:
    """Check that the disk has `needed` bytes free.

    Raises:
        FetchError: it has not.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise FetchError(
            f"The disk has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are needed",
            where=str(place),
            next_step="free some space, or name a folder on another disk with --to",
        )

"""Unpack a gzipped tar archive, whole or in parts, as one stream."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from respllm.datasets.fetching.errors import FetchError, UnsafeArchive
from respllm.datasets.fetching.joined import JoinedFiles
from respllm.datasets.fetching.names import safe_parts
from respllm.datasets.fetching.remote import Progress
from respllm.datasets.fetching.unpacking import AGAIN, BLOCK, Writer

LONGEST_HEADER = 2**20
_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


def unpack_tar(parts: Sequence[Path], writer: Writer, size: int, progress: Progress) -> None:
    """Write every file of the archive; errors as in `unpacking.unpack`."""
    with JoinedFiles(parts) as joined:
        packed = io.BufferedReader(joined, 2**18)
        stream = _Bounded(gzip.GzipFile(fileobj=packed), writer)
        try:
            with tarfile.open(
                fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_BoundedInfo
            ) as archive:
                for entry in archive:
                    writer.count_entry()
                    _write(archive, entry, writer)
                    progress(f"unpacking {parts[0].name}", joined.tell(), size)
            while stream.read(BLOCK):
                pass  # to the end, where gzip keeps its check sum
        except (tarfile.TarError, gzip.BadGzipFile) as error:
            raise FetchError(
                f"The archive is damaged: {error}", where=writer.archive, next_step=AGAIN
            ) from error


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, writer: Writer) -> None:
    if entry.isdir():
        if entry.name.strip("./"):
            safe_parts(entry.name, writer.archive)
        return
    if not entry.isreg() or entry.issparse():
        raise writer.refuse(f"{entry.name!r} is a link, a device or a sparse file")
    safe_parts(entry.name, writer.archive)
    # Not before Python 3.11.4; what it refuses is refused above too.
    if hasattr(tarfile, "data_filter"):
        try:
            tarfile.data_filter(entry, str(writer.folder))
        except tarfile.FilterError as error:
            raise writer.refuse(f"{entry.name!r} may not be written: {error}") from error
    content = archive.extractfile(entry)
    if content is None:
        raise writer.refuse(f"{entry.name!r} has no content")
    writer.write(entry.name, entry.size, content)


class _BoundedInfo(tarfile.TarInfo):
    """Refuses headers that would fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _BoundedInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.type in _HEADERS and info.size > LONGEST_HEADER:
            raise UnsafeArchive(
                f"A header of {info.size} bytes",
                expected=f"at most {LONGEST_HEADER}",
                next_step="do not use this archive; report it to its publisher",
            )
        return info


class _Bounded:
    """A stream that ends in an error where more comes out than the archive may hold."""

    def __init__(self, stream: gzip.GzipFile, writer: Writer) -> None:
        self._stream = stream
        self._writer = writer
        # Each entry has a header and padding beside its bytes.
        self._left = writer.bound + 2048 * writer.limits.entries

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise self._writer.refuse("It unpacks to more than it may")
        return block

"""Several files read as one, without a joined copy on disk."""

from __future__ import annotations

import bisect
import io
import os
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO


class NoSuchPlace(OSError):  # noqa: N818
    """A place before the beginning; `zipfile` expects an `OSError`, as from a file."""


class JoinedFiles(io.RawIOBase):
    """A seekable stream over `paths` in order.

    Args:
        paths: at least one.
        stop: bytes of the joined files that are read; None reads all.
        tail: bytes that follow them.
    """

    def __init__(self, paths: Sequence[Path], stop: int | None = None, tail: bytes = b"") -> None:
        super().__init__()
        self._paths = list(paths)
        sizes = [path.stat().st_size for path in self._paths]
        self.starts = [0, *accumulate(sizes)]
        self._stop = self.starts[-1] if stop is None else min(stop, self.starts[-1])
        self._tail = tail
        self._position = 0
        self._open: tuple[int, BinaryIO] | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place that is read next."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place.

        Raises:
            NoSuchPlace: it is before the beginning.
        """
        end = self._stop + len(self._tail)
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: end}[whence]
        if place < 0:
            raise NoSuchPlace(f"no place {place} in a stream of {end} bytes")
        self._position = place
        return place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` from one file; 0 at the end."""
        if self._position >= self._stop:
            start = self._position - self._stop
            piece = self._tail[start : start + len(buffer)]
            buffer[: len(piece)] = piece
            count = len(piece)
        else:
            index = bisect.bisect_right(self.starts, self._position) - 1
            file = self._file(index)
            file.seek(self._position - self.starts[index])
            room = min(len(buffer), self.starts[index + 1] - self._position)
            room = min(room, self._stop - self._position)
            count = file.readinto(memoryview(buffer)[:room])  # type: ignore[attr-defined]
        self._position += count
        return count

    def close(self) -> None:
        """Close the file that is open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
        super().close()

    def _file(self, index: int) -> BinaryIO:
        if self._open is None or self._open[0] != index:
            if self._open is not None:
                self._open[1].close()
            self._open = (index, self._paths[index].open("rb"))
        return self._open[1]

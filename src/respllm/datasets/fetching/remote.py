"""What a publisher offers: files, some of them parts of an archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int | None], None]
"""Called with (what is being done, bytes done, bytes in all or None where that is unknown)."""


def no_progress(what: str, done: int, total: int | None) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file that a publisher offers.

    Attributes:
        name: path within the publisher's release, with `/`.
        url: where it is.
        size: bytes; None where the publisher does not say.
        checksum: "<algorithm>:<hex digits>" as published; None where nothing is.
    """

    name: str
    url: str
    size: int | None = None
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive, whole or in parts.

    Attributes:
        name: what it is called in messages and in the record.
        parts: in the order in which they are joined.
        into: folder, within the dataset's, that it unpacks to; "" is the dataset's own.
    """

    name: str
    parts: tuple[RemoteFile, ...]
    into: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is to fetch of one dataset.

    Attributes:
        files: kept as they are.
        archives: unpacked.
        version: names the release where the publisher's address does not (a commit).
    """

    files: tuple[RemoteFile, ...]
    archives: tuple[Archive, ...]
    version: str | None = None

    def remote_files(self) -> tuple[RemoteFile, ...]:
        """Everything that is downloaded."""
        return (*self.files, *(part for archive in self.archives for part in archive.parts))

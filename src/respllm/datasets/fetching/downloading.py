"""Download one file so that a second call, however the first one ended, goes on where it was.

The bytes go to `<name>.part`, and what they are part of to `<name>.part.json`, written before the
first byte. A download is resumed with `Range` and `If-Range`: a server that ignores ranges or whose
file has changed answers with the whole file, and the part is started over.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import requests
from pydantic import ValidationError

from respllm.config import StrictModel
from respllm.datasets.fetching.checksums import digests
from respllm.datasets.fetching.connecting import (
    BY_HAND,
    DROPPED,
    Connection,
    Gained,
    check_answer,
    plain_address,
)
from respllm.datasets.fetching.errors import FetchError
from respllm.datasets.fetching.remote import Progress, RemoteFile, no_progress
from respllm.datasets.fetching.writing import write_whole

CHUNK = 2**18
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded whole.

    Attributes:
        size: bytes.
        sha256: "sha256:<hex digits>".
        notes: what happened on the way that a reader should know.
    """

    size: int
    sha256: str
    notes: tuple[str, ...] = ()


class PartState(StrictModel):
    """What the bytes of a `.part` are part of.

    Attributes:
        checksum: as published.
        validator: the server's ETag, or else its Last-Modified.
        total: bytes of the whole file.
    """

    checksum: str | None
    validator: str | None
    total: int | None


class _Changed(Exception):  # noqa: N818
    """What came does not belong to the bytes that are here: start over."""


def download(
    connection: Connection, file: RemoteFile, target: Path, progress: Progress = no_progress
) -> Download:
    """Download `file` to `target`, going on with what an earlier call left.

    Raises:
        FetchError: the server refuses or fails, or sends something else than is published.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(connection, file, target, progress)
    for attempt in (1, 2):
        connection.repeat(file.url, part.go_on)
        ours, theirs = digests(part.path, file.checksum, progress)
        if file.checksum is None or theirs == file.checksum:
            break
        part.start_over("its bytes were not those published")
        if attempt == 2:
            raise FetchError(
                f"{file.name} came twice with another checksum than published: {theirs}",
                where=plain_address(file.url),
                expected=file.checksum,
                next_step=f"{BY_HAND}; the wrong bytes were deleted",
            )
    size = part.have()
    os.replace(part.path, target)
    part.state_path.unlink(missing_ok=True)
    return Download(size, ours, tuple(part.notes))


def part_size(target: Path) -> int:
    """How many bytes of `target` an earlier call left."""
    path = _part_path(target)
    return path.stat().st_size if path.is_file() else 0


def _part_path(target: Path) -> Path:
    return target.with_name(target.name + ".part")


class _Part:
    """The file that is being written."""

    def __init__(
        self, connection: Connection, file: RemoteFile, target: Path, progress: Progress
    ) -> None:
        self.connection = connection
        self.file = file
        self.progress = progress
        self.path = _part_path(target)
        self.state_path = target.with_name(target.name + ".part.json")
        self.notes: list[str] = []
        self.state = self._read_state()
        if self.state is None or self.state.checksum != file.checksum:
            self.start_over("it belongs to another release" if self.have() else "")
        self.best = self.have()

    def have(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def start_over(self, why: str) -> None:
        if why:
            self.notes.append(f"{self.file.name} was started over: {why}")
        self.path.unlink(missing_ok=True)
        self.state_path.unlink(missing_ok=True)
        self.state = None

    def go_on(self) -> bool:
        """Ask for what is missing and write it; True if nothing is missing any more."""
        have = self.have()
        total = self.file.size
        if total is None and self.state is not None:
            total = self.state.total
        if self.state is not None and total is not None and have == total:
            return True
        resumable = self.state is not None and (
            self.state.validator is not None or self.file.checksum is not None
        )
        if have and (not resumable or (total is not None and have > total)):
            self.start_over(
                "it was longer than the file"
                if resumable
                else "nothing tells whether the file is still the same"
            )
            have = 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self.state is not None and self.state.validator is not None:
                headers["If-Range"] = self.state.validator
        try:
            with self.connection.request(self.file.url, headers) as answer:
                return self._take(answer, have)
        except _Changed as changed:
            self.start_over(str(changed))
            return False

    def _take(self, answer: requests.Response, have: int) -> bool:
        if answer.status_code == 416 and have:
            raise _Changed("the server has fewer bytes than are here")
        check_answer(answer, self.file.url)
        if "gzip" in answer.headers.get("Content-Encoding", ""):
            raise FetchError(
                "The server sends the file packed, though asked not to",
                where=plain_address(self.file.url),
                next_step=BY_HAND,
            )
        if answer.status_code == 206:
            total = self._total_of_range(answer, have)
        else:
            total = _length(answer)
            if have:
                changed = self.state is None or _validator(answer) != self.state.validator
                self.start_over(
                    "the file changed at its source" if changed else "its server ignores ranges"
                )
        self._check_total(total)
        if self.state is None:
            self.state = PartState(
                checksum=self.file.checksum, validator=_validator(answer), total=total
            )
            write_whole(self.state_path, self.state.model_dump_json().encode())
        return self._write(answer, total)

    def _total_of_range(self, answer: requests.Response, have: int) -> int | None:
        stated = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if stated is None or int(stated[1]) != have:
            raise _Changed("its server answered with other bytes than it was asked for")
        total = None if stated[3] == "*" else int(stated[3])
        known = None if self.state is None else self.state.total
        if total is not None and known is not None and total != known:
            raise _Changed("the file changed at its source")
        return total if total is not None else known

    def _check_total(self, total: int | None) -> None:
        if total is not None and self.file.size is not None and total != self.file.size:
            raise FetchError(
                f"{self.file.name} has {total} bytes at its source",
                where=plain_address(self.file.url),
                expected=f"{self.file.size} bytes, as the publisher lists",
                next_step="try again later: the server may be sending an error page",
            )

    def _write(self, answer: requests.Response, total: int | None) -> bool:
        if total is None:
            total = self.file.size
        have = self.have()
        try:
            # Unbuffered: a process that is killed has written what it has counted.
            with self.path.open("ab", buffering=0) as out:
                while chunk := answer.raw.read1(CHUNK, decode_content=False):
                    out.write(chunk)
                    have += len(chunk)
                    if total is not None and have > total:
                        raise _Changed("more bytes came than were announced")
                    self.progress(self.file.name, have, total)
        except DROPPED as error:
            self._note_gain(have, error)
            raise
        if total is not None and have < total:
            self._note_gain(have, None)
            return False
        self._sync()
        return True

    def _note_gain(self, have: int, error: BaseException | None) -> None:
        if have > self.best:
            self.best = have
            raise Gained from error

    def _sync(self) -> None:
        if not self.path.exists():
            self.path.touch()  # a file of no bytes
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())

    def _read_state(self) -> PartState | None:
        try:
            return PartState.model_validate_json(self.state_path.read_bytes())
        except (OSError, ValidationError):
            return None


def _length(answer: requests.Response) -> int | None:
    stated = answer.headers.get("Content-Length", "")
    return int(stated) if stated.isdecimal() else None


def _validator(answer: requests.Response) -> str | None:
    """What `If-Range` may be given: a strong ETag or a date."""
    etag = answer.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return answer.headers.get("Last-Modified")

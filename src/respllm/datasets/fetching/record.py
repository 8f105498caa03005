"""What was fetched, from where and with which checksums: `FETCHED.json`, beside the data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from respllm.config import StrictModel
from respllm.datasets.fetching.writing import write_whole
from respllm.errors import DataError

RECORD = "FETCHED.json"


class FetchedFile(StrictModel):
    """One downloaded file.

    Attributes:
        url: where it came from; None: somebody put it here.
        size: bytes.
        sha256: "sha256:<hex digits>", computed when it came.
        published: the publisher's checksum, which it has; None where nothing is published.
    """

    url: str | None
    size: int
    sha256: str
    published: str | None


class Unpacked(StrictModel):
    """What one entry of the dataset's folder holds: its files and their bytes."""

    files: int
    bytes: int


class FetchRecord(StrictModel):
    """All that is known of one fetch.

    Attributes:
        format: of this file.
        dataset: its name.
        source: the publisher's page.
        licence: the terms that were accepted.
        citation: whom to cite.
        accepted: when, in UTC.
        version: of the release, where its addresses do not name it.
        files: name -> the file, also where it was deleted after unpacking.
        kept: names of those that stay in the dataset's folder as they came.
        unpacked: archive -> entry of the dataset's folder -> what it holds.
        complete: whether everything is here.
    """

    format: Literal[1] = 1
    dataset: str
    source: str
    licence: str
    citation: str
    accepted: str
    version: str | None = None
    files: Mapping[str, FetchedFile] = Field(default_factory=dict)
    kept: tuple[str, ...] = ()
    unpacked: Mapping[str, Mapping[str, Unpacked]] = Field(default_factory=dict)
    complete: bool = False

    def write(self, folder: Path) -> None:
        """Keep it in the dataset's folder."""
        write_whole(folder / RECORD, self.model_dump_json(indent=2).encode() + b"\n")

    def holds(self, archive: str, folder: Path) -> bool:
        """Whether what an archive unpacked to is still in `folder`, as far as counts tell."""
        entries = self.unpacked.get(archive)
        return entries is not None and all(
            count.files <= found.files and count.bytes <= found.bytes
            for entry, count in entries.items()
            for found in [measure(folder / entry)]
        )


def read_record(folder: Path) -> FetchRecord | None:
    """The record in a dataset's folder; None without one.

    Raises:
        DataError: it is damaged or of another version of respllm.
    """
    path = folder / RECORD
    try:
        return FetchRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise DataError(
            "The record of what was fetched cannot be read",
            where=str(path),
            expected="format 1, as respllm wrote it",
            next_step="move it elsewhere and fetch into another folder, or use the version of "
            "respllm that wrote it",
        ) from error


def measure(path: Path) -> Unpacked:
    """The files under `path`, or itself; links are not followed."""
    if path.is_file():
        return Unpacked(files=1, bytes=path.stat().st_size)
    files = [found for found in path.rglob("*") if found.is_file() and not found.is_symlink()]
    return Unpacked(files=len(files), bytes=sum(found.stat().st_size for found in files))

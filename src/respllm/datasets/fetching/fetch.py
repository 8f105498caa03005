"""Fetch a dataset into its folder, so that it can be interrupted anywhere and goes on after."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from respllm.datasets.dataset import Dataset
from respllm.datasets.fetching.checksums import digests
from respllm.datasets.fetching.connecting import Connection, plain_address
from respllm.datasets.fetching.downloading import download, part_size
from respllm.datasets.fetching.errors import FetchError
from respllm.datasets.fetching.record import RECORD, FetchedFile, FetchRecord, read_record
from respllm.datasets.fetching.remote import (
    Archive,
    Listing,
    Progress,
    RemoteFile,
    no_progress,
)
from respllm.datasets.fetching.sources import Source
from respllm.datasets.fetching.unpacking import Limits, check_room, unpack

DOWNLOADS = "downloads"
UNPACKING = ".unpacking"
UNPACKED_PER_BYTE = 1.5
"""Bytes that one byte of an archive is reckoned to unpack to: publishers do not say. Before a zip
archive is unpacked, what it declares is looked at again."""


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What is still to do.

    Attributes:
        folder: the dataset's.
        record: of earlier calls; None before the first.
        listing: what the publisher offers; None if everything is here already.
        total: bytes to download from nothing; None where the publisher does not say.
        left: bytes of it that are not here yet.
        needed: bytes of free disk that are reckoned with.
    """

    dataset: Dataset
    source: Source
    folder: Path
    record: FetchRecord | None
    listing: Listing | None
    total: int | None = 0
    left: int = 0
    needed: int = 0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a call did.

    Attributes:
        downloaded: files that came in this call.
        notes: what a reader should know of them.
    """

    record: FetchRecord
    downloaded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan_fetch(
    dataset: Dataset, source: Source, data_root: Path, connection: Connection
) -> FetchPlan:
    """Find out what there is, what is here already, and how much room is needed.

    Raises:
        FetchError: the publisher's catalogue cannot be read.
        DataError: the folder holds files that no fetch brought.
    """
    folder = data_root / dataset.name
    record = read_record(folder)
    if record is None:
        _check_free_of_others(folder, dataset)
    elif record.complete and _everything_is_here(record, folder):
        return FetchPlan(dataset, source, folder, record, None)
    listing = source.select(source.ask(connection, record.version if record else None))
    left = unpacked = largest = 0
    sizes: list[int | None] = []
    for file in listing.files:
        sizes.append(file.size)
        if not (folder / file.name).is_file():
            left += _missing(file, folder)
    kept = left
    for archive in listing.archives:
        sizes += [part.size for part in archive.parts]
        if record is not None and record.holds(archive.name, folder):
            continue
        missing = sum(_missing(part, folder) for part in archive.parts)
        left += missing
        # One archive at a time is downloaded, unpacked and deleted.
        largest = max(largest, missing)
        unpacked += int(UNPACKED_PER_BYTE * sum(part.size or 0 for part in archive.parts))
    known = [size for size in sizes if size is not None]
    total = sum(known) if len(known) == len(sizes) else None
    needed = kept + unpacked + largest
    return FetchPlan(dataset, source, folder, record, listing, total, left, needed)


def fetch(
    plan: FetchPlan,
    connection: Connection,
    progress: Progress = no_progress,
    limits: Limits | None = None,
) -> Fetched:
    """Do what is still to do. Only call it once the terms are accepted.

    Raises:
        FetchError: a download or an archive fails, the disk is too small, or another fetch is
            under way; what was fetched is kept.
    """
    downloads = plan.folder / DOWNLOADS
    if plan.listing is None and plan.record is not None:
        shutil.rmtree(downloads, ignore_errors=True)  # of a call that was killed at its end
        return Fetched(plan.record)
    plan.folder.mkdir(parents=True, exist_ok=True)
    check_room(plan.folder, plan.needed)
    downloads.mkdir(exist_ok=True)
    try:
        with FileLock(downloads / "fetch.lock", timeout=0):
            fetched = _Fetcher(plan, connection, progress, limits).run()
    except Timeout as error:
        raise FetchError(
            "Another process is fetching into this folder",
            where=str(plan.folder),
            next_step="wait for it to end",
        ) from error
    shutil.rmtree(downloads)
    return fetched


class _Fetcher:
    def __init__(
        self, plan: FetchPlan, connection: Connection, progress: Progress, limits: Limits | None
    ) -> None:
        assert plan.listing is not None
        self.folder = plan.folder
        self.listing = plan.listing
        self.connection = connection
        self.progress = progress
        self.limits = limits
        self.downloaded: list[str] = []
        self.notes: list[str] = []
        self.record = plan.record or FetchRecord(
            dataset=plan.dataset.name,
            source=plan.source.page,
            licence=plan.dataset.licence,
            citation=plan.dataset.citation,
            accepted=datetime.now(UTC).isoformat(timespec="seconds"),
            version=self.listing.version,
        )

    def run(self) -> Fetched:
        self._keep(complete=False, kept=tuple(file.name for file in self.listing.files))
        for file in self.listing.files:
            self._bring_kept(file)
        for archive in self.listing.archives:
            if not self.record.holds(archive.name, self.folder):
                self._bring_archive(archive)
        self._keep(complete=True)
        return Fetched(self.record, tuple(self.downloaded), tuple(self.notes))

    def _keep(self, **changes: object) -> None:
        self.record = self.record.model_copy(update=changes)
        self.record.write(self.folder)

    def _bring_kept(self, file: RemoteFile) -> None:
        target = self.folder / file.name
        if target.is_file() and self._is_whole(file, target):
            return
        place = self._bring(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(place, target)

    def _bring_archive(self, archive: Archive) -> None:
        places = [self._bring(part) for part in archive.parts]
        staging = self.folder / UNPACKING
        shutil.rmtree(staging, ignore_errors=True)
        try:
            tops = unpack(places, staging, self.limits, self.progress)
            target = self.folder / archive.into
            _move_into(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        entries = {"/".join(filter(None, (archive.into, top))): n for top, n in tops.items()}
        self._keep(unpacked={**self.record.unpacked, archive.name: entries})
        # Only now: a process that dies before has them still, one that dies after needs them not.
        for place in places:
            place.unlink(missing_ok=True)

    def _bring(self, file: RemoteFile) -> Path:
        """Have a file whole in the downloads folder, and return its place."""
        place = _place(self.folder, file)
        if place.is_file() and self._is_whole(file, place):
            return place
        known = self.record.files.get(file.name)
        came = download(self.connection, file, place, self.progress)
        self.notes += came.notes
        now = FetchedFile(url=file.url, size=came.size, sha256=came.sha256, published=file.checksum)
        if known is not None and known.url is not None and known.sha256 != now.sha256:
            place.unlink()
            raise FetchError(
                f"{file.name} is not the file that was fetched before: its source changed it",
                where=plain_address(file.url),
                expected=known.sha256,
                next_step="fetch into another folder with --to, and compare",
            )
        self.downloaded.append(file.name)
        self._keep(files={**self.record.files, file.name: now})
        return place

    def _is_whole(self, file: RemoteFile, place: Path) -> bool:
        """Whether a file that is here has the right bytes; it is deleted where it has not."""
        known = self.record.files.get(file.name)
        here = self._recognise(file, place, known)
        if here is None:
            self.notes.append(f"{file.name} was damaged on this disk and fetched again")
            place.unlink()
            return False
        if here != known:
            self._keep(files={**self.record.files, file.name: here})
        return True

    def _recognise(
        self, file: RemoteFile, place: Path, known: FetchedFile | None
    ) -> FetchedFile | None:
        """What is known of a whole file that is here; None if its bytes are wrong."""
        ours, theirs = digests(place, file.checksum, self.progress)
        if file.checksum is not None:
            right = theirs == file.checksum
        else:
            right = known is None or known.sha256 == ours
        if not right:
            return None
        if known is not None and known.sha256 == ours:
            return known
        if file.checksum is None:
            self.notes.append(f"{file.name} was here already; nothing is published to check it by")
        size = place.stat().st_size
        return FetchedFile(url=None, size=size, sha256=ours, published=file.checksum)


def _place(folder: Path, part: RemoteFile) -> Path:
    return folder / DOWNLOADS / part.name


def _missing(file: RemoteFile, folder: Path) -> int:
    place = _place(folder, file)
    if file.size is None or place.is_file():
        return 0
    return max(0, file.size - part_size(place))


def _everything_is_here(record: FetchRecord, folder: Path) -> bool:
    return all(record.holds(name, folder) for name in record.unpacked) and all(
        (folder / name).is_file() and digests(folder / name, None)[0] == record.files[name].sha256
        for name in record.kept
    )


def _check_free_of_others(folder: Path, dataset: Dataset) -> None:
    """Check that the folder holds nothing but what was put into its downloads folder."""
    others = (
        sorted(p.name for p in folder.iterdir() if p.name not in {DOWNLOADS, f"{RECORD}.new"})
        if folder.is_dir()
        else []
    )
    if others:
        raise FetchError(
            f"The folder of {dataset.title} holds files already, {others[0]!r} among them",
            where=str(folder),
            expected="a folder that is empty or was fetched by this command",
            next_step=f"run `respllm data verify {folder.parent}`, or name another one with --to",
        )


def _move_into(staging: Path, target: Path) -> None:
    """Move everything under `staging` to `target`; what an earlier call left there is replaced."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(staging.iterdir()):
        place = target / path.name
        if path.is_dir() and place.is_dir() and not place.is_symlink():
            _move_into(path, place)
        else:
            os.replace(path, place)

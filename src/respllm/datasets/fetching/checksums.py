"""Checksums as publishers write them: "<algorithm>:<hex digits>"."""

from __future__ import annotations

import hashlib
from pathlib import Path

from respllm.datasets.fetching.errors import FetchError
from respllm.datasets.fetching.remote import Progress, no_progress

GIT_BLOB = "git-blob-sha1"
"""What git, and so GitHub, names a file by: SHA-1 of its length and content."""
BLOCK = 2**20


def check_known(checksum: str, where: str) -> None:
    """Check that a published checksum can be computed.

    Raises:
        FetchError: an unknown algorithm or malformed digits.
    """
    algorithm, _, digits = checksum.partition(":")
    try:
        length = _start(algorithm, 0).digest_size * 2
        int(digits, 16)
    except ValueError:
        length = -1
    if len(digits) != length:
        raise FetchError(
            f"Not a checksum that can be checked: {checksum!r}",
            where=where,
            expected="md5, sha1, sha256 or sha512 and its hex digits",
        )


def digests(path: Path, published: str | None, progress: Progress = no_progress) -> tuple[str, str]:
    """A file's SHA-256, and its checksum by the algorithm of `published` (or SHA-256 again)."""
    size = path.stat().st_size
    wanted = published.partition(":")[0] if published else "sha256"
    ours, theirs = hashlib.sha256(), _start(wanted, size)
    done = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            ours.update(block)
            if wanted != "sha256":
                theirs.update(block)
            done += len(block)
            progress(f"checking {path.name}", done, size)
    own = f"sha256:{ours.hexdigest()}"
    return own, own if wanted == "sha256" else f"{wanted}:{theirs.hexdigest()}"


def _start(algorithm: str, size: int) -> hashlib._Hash:
    if algorithm == GIT_BLOB:
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    if algorithm not in {"md5", "sha1", "sha256", "sha512"}:
        raise ValueError(algorithm)
    return hashlib.new(algorithm, usedforsecurity=False)

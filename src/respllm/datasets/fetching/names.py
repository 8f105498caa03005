"""Names that may be written under a folder, on any system."""

from __future__ import annotations

import re
import unicodedata

from respllm.datasets.fetching.errors import UnsafeArchive

DEEPEST = 16
LONGEST = 240
"""Bytes of one part of a path; most file systems allow 255."""
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_parts(name: str, where: str) -> tuple[str, ...]:
    """The parts of a path that stays within the folder it is written under.

    Raises:
        UnsafeArchive: an absolute name, a drive, `..`, a name no system can hold.
    """
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    reason = ""
    if not parts:
        reason = "names nothing"
    elif name.startswith("/") or "\\" in name or ":" in name:
        reason = "is absolute, or names a drive"
    elif ".." in parts:
        reason = "leaves the folder"
    elif any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} for letter in name):
        reason = "has control characters"
    elif len(parts) > DEEPEST or any(len(part.encode()) > LONGEST for part in parts):
        reason = "is too long or too deep"
    elif any(_DEVICES.fullmatch(part) for part in parts):
        reason = "is a device on some systems"
    if reason:
        raise UnsafeArchive(
            f"The name {name[:200]!r} {reason}",
            where=where,
            expected="names of files within the dataset's folder",
            next_step="do not use this archive; report it to its publisher",
        )
    return parts

"""The recordings in a dataset's folder."""

from __future__ import annotations

from pathlib import Path

from respllm.errors import DataError

AUDIO_SUFFIXES = frozenset(
    {".aac", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm"}
)
"""A recording may have been converted: its stem names it, whatever the format."""


def audio_by_stem(*folders: Path) -> dict[str, Path]:
    """The audio files directly in folders, by file name without the extension, in order.

    Hidden files and other formats are passed over.

    Raises:
        DataError: two files for one recording, a folder that is missing or cannot be read.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _entries(folder):
            if path.suffix.lower() not in AUDIO_SUFFIXES:
                continue
            other = found.setdefault(path.stem, path)
            if other is not path:
                raise DataError(
                    f"Two files hold one recording: {other.name} and {path.name}",
                    where=f"{other.parent} and {path.parent}",
                    expected="one file for each recording",
                    next_step="move one of them elsewhere",
                )
    return found


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in a folder, in order, hidden ones passed over.

    Raises:
        DataError: the folder is not there or cannot be read.
    """
    return [path for path in _entries(folder) if path.is_dir()]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"The folder {folder.name!r} is missing or cannot be read",
            where=str(folder.parent),
            expected="the layout of the published release",
            next_step="add the folder from the publisher's download",
        ) from error

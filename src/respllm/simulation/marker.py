"""The file that tells a simulated cohort from recordings of patients."""

from __future__ import annotations

import json
from pathlib import Path

from respllm.version import __version__

MARKER = "simulated_cohort.json"
FORMAT_VERSION = 1
NOTICE = "simulated; not patients"


def write_marker(directory: Path, *, subjects: int, recordings: int, seed: int) -> None:
    """Mark a folder as a simulated cohort: format, generator, size and seed."""
    content = {
        "notice": NOTICE,
        "format_version": FORMAT_VERSION,
        "generator": f"respllm {__version__}",
        "seed": seed,
        "subjects": subjects,
        "recordings": recordings,
    }
    (directory / MARKER).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def is_simulated(path: Path) -> bool:
    """Whether a file or folder belongs to a simulated cohort: the marker is in it or above it."""
    path = path.resolve()
    return any((folder / MARKER).is_file() for folder in (path, *path.parents))

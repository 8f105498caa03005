"""What folders of runs and studies hold of a person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from respllm.errors import DataError
from respllm.removal.person import Person
from respllm.removal.rows import Names, remove_rows
from respllm.tasks import Learned
from respllm.tasks.removed import name_hash

LEARNED = "learned.json"
_TEXTS = {".csv", ".json", ".jsonl", ".md", ".html", ".txt", ".yaml", ".tsv", ".new"}


def remove_from_folder(folder: Path, names: Names) -> dict[Path, int]:
    """Take a person's rows out of all tables of results under a folder; rows by file."""
    removed = {}
    for path in _files(folder):
        if _holds_results(path) and (count := remove_rows(path, names)):
            removed[path] = count
    return removed


def runs_that_learned(folder: Path, person: Person) -> list[Path]:
    """Run folders under a folder whose model learned from a person, or was selected by them."""
    people = {name_hash(name) for name in person.names}
    found = []
    for path in _files(folder):
        if path.name == LEARNED:
            learned = Learned.read(path)
            if learned.people & people or learned.recordings & person.own:
                found.append(path.parent)
    return found


def still_naming(folder: Path, names: Names) -> list[Path]:
    """Files under a folder in which a person's name or recordings still stand."""
    wanted = sorted(names.people | names.records, key=len, reverse=True)
    if not wanted:
        return []
    # "icbhi/10" does not stand in "icbhi/101".
    pattern = re.compile(
        r"(?<![\w/])(?:" + "|".join(map(re.escape, wanted)) + r")(?![\w/-])(?!\.\w)"
    )
    return [
        path
        for path in _files(folder)
        if path.suffix in _TEXTS and pattern.search(path.read_text("utf-8", errors="replace"))
    ]


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise DataError(f"No folder {folder}", next_step="name the folder of a run or a study")
    # Looked at when its turn comes: a draft that a killed process left is gone once it is replaced.
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _holds_results(path: Path) -> bool:
    """Whether a file is one of those that have a row for a recording or a clip."""
    if path.name.endswith((".csv", ".csv.new")):
        with path.open(encoding="utf-8", errors="replace") as file:
            header = set(file.readline().strip().split(","))
        return bool(header & {"subject", "record", "clip"})
    if path.suffix != ".json":
        return False
    if path.name == "skipped.json":
        return True
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError):
        return False
    return isinstance(content, dict) and {"notice", "predictions"} <= content.keys()

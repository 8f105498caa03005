"""Fetch from a local server in a process that a test may kill.

`python -m tests.datasets.fetch_in_a_process SOURCE.json DIR` fetches. With a third argument,
"sweep", it fetches into `DIR/<n>` for n = 0, 1, ..., each time in a process that kills itself
before its n-th change of a file or folder, until one gets through; then it fetches again.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from respllm.datasets import DATASETS
from respllm.datasets.fetching import (
    SOURCES,
    Connection,
    Fetched,
    Patience,
    Source,
    fetch,
    plan_fetch,
)
from respllm.datasets.fetching.catalogues import Catalogue
from respllm.datasets.fetching.remote import RemoteFile

QUICK = Patience(failures=3, wait=0.001, longest=0.05, silence=5)


def source(name: str, files: list[dict[str, Any]]) -> Source:
    """The dataset's own source, with another catalogue."""
    known = SOURCES[name]
    catalogue = Catalogue(tuple(RemoteFile(**file) for file in files))
    return Source(
        known.page,
        lambda connection, version: catalogue,
        known.required,
        known.kept,
        known.archives,
        known.into,
    )


def fetch_from(name: str, files: list[dict[str, Any]], data_root: Path) -> Fetched:
    """Plan and fetch, as the command does."""
    connection = Connection(QUICK, schemes=("http",))
    plan = plan_fetch(DATASETS[name], source(name, files), data_root, connection)
    return fetch(plan, connection)


_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}


def _kill_before_change(number: int) -> None:
    """Let this process kill itself, as `kill -9` does, before its `number`-th change."""
    left = number

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        opened = (
            event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa")
        )
        if event not in _CHANGES and not opened:
            return
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    sys.addaudithook(hook)


def _sweep(name: str, files: list[dict[str, Any]], folder: Path) -> None:
    for number in itertools.count():
        child = os.fork()
        if child == 0:
            _kill_before_change(number)
            fetch_from(name, files, folder / str(number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        fetch_from(name, files, folder / str(number))
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            return


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text())
    do = _sweep if sys.argv[3:] == ["sweep"] else fetch_from
    do(told["name"], told["files"], Path(sys.argv[2]))

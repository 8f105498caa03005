"""The process in which cases are run: limited, watched line by line, and replaced when it dies."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.reliability.fuzzing.audio import Audio
from benchmarks.reliability.fuzzing.checkpoint import Folder
from benchmarks.reliability.fuzzing.checks import InvalidError
from benchmarks.reliability.fuzzing.settings import Settings
from benchmarks.reliability.fuzzing.state import State
from benchmarks.reliability.fuzzing.table import Table

CASE_SECONDS = 20.0
START_SECONDS = 300.0
MEMORY = 3 << 29
MAX_MESSAGE = 4000


def targets(folder: Path, kinds: list[str]) -> dict[str, Any]:
    made: dict[str, Callable[[Path], Any]] = {
        "audio": Audio,
        "table": Table,
        "task": lambda folder: Settings(folder, "task"),
        "run": lambda folder: Settings(folder, "run"),
        "checkpoint": Folder,
        "state": State,
    }
    return {kind: made[kind](folder) for kind in kinds}


def serve(pipe: Connection, kinds: list[str], place: str) -> None:
    """Worker: say what the seeds are, then run cases until the pipe closes."""
    from respllm.errors import RespllmError

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders complain of each damaged frame
    folder = Path(place)
    made = targets(folder, kinds)
    seeds = {kind: target.seeds() for kind, target in made.items()}
    root = f"{os.sep}respllm{os.sep}"
    lines: set[tuple[str, int]] = set()

    def on_call(frame: FrameType, event: str, argument: object) -> Any:
        return on_line if root in frame.f_code.co_filename else None

    def on_line(frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return on_line

    def attempt(kind: str, name: str, content: bytes, forged: bool) -> tuple[str, str]:
        sys.settrace(on_call)
        try:
            made[kind](name, content, forged)
        except RespllmError as error:
            said = str(error)
            if len(said) > MAX_MESSAGE:
                return (
                    "message",
                    f"{type(error).__name__} of {len(said)} characters: {said[:300]!r}",
                )
            return "typed", f"{type(error).__name__}: {error.what[:12]}"
        except InvalidError as error:
            return "invalid", str(error)
        except MemoryError:
            return "memory", traceback.format_exc()[-1500:]
        except BaseException as error:  # the finding this program is for
            sys.settrace(None)
            return f"exception {type(error).__name__}", traceback.format_exc()[-1500:]
        finally:
            sys.settrace(None)
        return "valid", ""

    for kind, files in seeds.items():  # libraries are loaded before memory is counted
        for name, content in files.items():
            attempt(kind, name, content, False)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    pipe.send(seeds)
    while True:
        try:
            case = pipe.recv()
        except EOFError:
            return
        lines.clear()
        outcome, detail = attempt(*case)
        pipe.send((outcome, detail, frozenset(lines)))


class Worker:
    def __init__(self, kinds: list[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self.folder = tempfile.mkdtemp(prefix="respllm-fuzz-")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, kinds, self.folder), daemon=True)
        self.process.start()
        theirs.close()
        if not self.pipe.poll(START_SECONDS):
            raise RuntimeError("the worker did not start")
        self.seeds: dict[str, dict[str, bytes]] = self.pipe.recv()

    def run(self, case: tuple[str, str, bytes, bool]) -> tuple[str, str, frozenset[Any]]:
        """Outcome, detail, lines; "crash" or "hang" leave no worker."""
        try:
            self.pipe.send(case)
            if not self.pipe.poll(CASE_SECONDS):
                return "hang", f"more than {CASE_SECONDS:g} s", frozenset()
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            return "crash", f"exit code {self.process.exitcode}", frozenset()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)

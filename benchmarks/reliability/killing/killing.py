"""Begin work in a process of its own, kill it, look at the disk, and finish it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

KILLS_A_ROUND = 3


@dataclass(slots=True)
class Tally:
    """What the kills of one kind of work did.

    Attributes:
        kills: processes that were alive and were killed.
        writing: of these, killed within milliseconds of a write.
        checked: files that were found on disk after a kill and compared or loaded.
        finished: times the work was finished and compared with the undisturbed one.
        problems: what was not whole, or differed.
    """

    work: str
    kills: int = 0
    writing: int = 0
    checked: int = 0
    finished: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Work:
    """Something that is killed.

    Attributes:
        prepare: makes a folder for a round.
        do: the work; begun again, it goes on.
        watched: where its writes are seen.
        check: yields (file, problem or "") for what is on disk.
        compare: yields the same for what must be there at the end.
        always_writing: kill within a write every time.
    """

    name: str
    prepare: Callable[[Path], None]
    do: Callable[[Path], None]
    watched: Callable[[Path], Path]
    check: Callable[[Path], Iterator[tuple[str, str]]]
    compare: Callable[[Path], Iterator[tuple[str, str]]]
    always_writing: bool = False


def begin(do: Callable[[Path], None], folder: Path) -> int:
    """Do the work in a process of its own, silently; its id."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        quiet = os.open(folder.with_name(folder.name + ".log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        do(folder)
        code = 0
    except BaseException as error:  # it must not go on with the parent's work
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def finish(do: Callable[[Path], None], folder: Path) -> float:
    """Do the work undisturbed; its seconds."""
    begun = time.monotonic()
    _, status = os.waitpid(begin(do, folder), 0)
    if status:
        log = folder.with_name(folder.name + ".log").read_text(errors="replace")
        raise RuntimeError(f"the work in {folder} did not end well: {log[-500:]}")
    return time.monotonic() - begun


def written(folder: Path) -> set[tuple[str, int, int]]:
    """Names, sizes and times of what lies in a folder; changes while something is written."""
    found = set()
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                about = os.stat(os.path.join(place, name))
            except FileNotFoundError:
                continue
            found.add((f"{place}/{name}", about.st_size, about.st_mtime_ns))
    return found


def kill(work: Work, folder: Path, seconds: float, in_write: bool, chance: random.Random) -> bool:
    """Begin the work and kill it; whether it was still alive."""
    process = begin(work.do, folder)
    end = time.monotonic() + chance.uniform(0, seconds)
    before = None
    while True:
        if os.waitpid(process, os.WNOHANG) != (0, 0):
            return False
        if time.monotonic() < end:
            time.sleep(0.002)
        elif not in_write:
            break
        elif before is None:
            before = written(work.watched(folder))
        elif written(work.watched(folder)) != before:
            time.sleep(chance.uniform(0, 0.003))
            break
    os.kill(process, signal.SIGKILL)  # not waited for yet, so the id is still its own
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def rounds(work: Work, kills: int, root: Path, chance: random.Random, tally: Tally) -> None:
    """Kill one work so often, and finish it after every third time."""
    begun = time.monotonic()
    number = 0
    measured = root / f"{work.name}-measured"
    work.prepare(measured)
    seconds = finish(work.do, measured)
    while tally.kills < kills:
        folder = root / f"{work.name}-{number}"
        work.prepare(folder)
        for _ in range(min(KILLS_A_ROUND, kills - tally.kills)):
            in_write = work.always_writing or tally.kills % 2 == 1
            # Each time it has less left to do.
            if not kill(work, folder, seconds / KILLS_A_ROUND, in_write, chance):
                continue
            tally.kills += 1
            tally.writing += in_write
            note(tally, work.check(folder), f"after kill {tally.kills}")
        try:
            finish(work.do, folder)
        except RuntimeError as error:
            tally.problems.append(f"after kill {tally.kills}: {error}")
        else:
            tally.finished += 1
            note(tally, work.check(folder), f"at end {tally.finished}")
            note(tally, work.compare(folder), f"at end {tally.finished}")
        shutil.rmtree(folder)
        number += 1
    tally.seconds = time.monotonic() - begun


def note(tally: Tally, found: Iterator[tuple[str, str]], when: str) -> None:
    for name, problem in found:
        tally.checked += 1
        if problem:
            tally.problems.append(f"{when}: {name}: {problem}")

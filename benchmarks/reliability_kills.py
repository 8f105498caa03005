"""Kill caching, training, evaluation and saving at random moments; nothing may be lost or differ.

    python benchmarks/reliability_kills.py [--kills 60] [--seed N] [--json]

Each piece of work runs in a process of its own and is ended by SIGKILL, at a uniformly drawn moment
or, every second time, within three milliseconds of a file being written. After every kill all that
is on disk must be whole: it is what the undisturbed run wrote, or it is not there under its name.
After every third kill the work is finished, and must be the undisturbed one's to the bit.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes are forked: no threads before that
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import json
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.table import Table

from respllm.cli.evaluate import evaluate_run
from respllm.config import RunConfig, TaskLists, TrainingConfig
from respllm.encoders import load_encoder
from respllm.errors import RespllmError
from respllm.models import Checkpoint
from respllm.simulation import simulate_cohort
from respllm.training import RunFolder, train
from respllm.training.data import load_training_data
from respllm.training.state import load_state

KILLS_A_ROUND = 3
CONFIG = RunConfig(
    name="killed",
    tasks=TaskLists(train=("S7", "S6"), test=("T5",)),
    training=TrainingConfig(
        epochs=4, batch_size=8, learning_rate=1e-3, evaluations_per_epoch=3, patience=None
    ),
)
SAVING = CONFIG.model_copy(
    update={
        "training": CONFIG.training.model_copy(
            update={"evaluations_per_epoch": 8, "save_minutes": 1e-9}
        )
    }
)
"""Writes its state at every step, and is killed in a write each time."""


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


def same_bytes(path: Path, expected: Path) -> str:
    if not expected.is_file():
        return "the undisturbed run has no such file"
    return "" if path.read_bytes() == expected.read_bytes() else "other bytes"


def same_entry(path: Path, expected: Path) -> str:
    """Whether tokens and header are the same; safetensors writes the header's keys in any order."""
    if not expected.is_file():
        return "the undisturbed run has no such entry"
    parts = []
    for content in (path.read_bytes(), expected.read_bytes()):
        length = 8 + int.from_bytes(content[:8], "little")
        try:
            parts.append((json.loads(content[8:length]), content[length:]))
        except ValueError as error:
            return f"no header: {error}"
    (header, tokens), (other_header, other_tokens) = parts
    if tokens != other_tokens:
        return "other tokens"
    return "" if header == other_header else "another header"


def refusal(read: Callable[[], object]) -> str:
    """Why something cannot be read, "" if it can."""
    try:
        read()
    except (RespllmError, ValueError, KeyError, sqlite3.Error, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def whole_cache(cache: Path, reference: Path) -> Iterator[tuple[str, str]]:
    for path in cache.glob("tokens/*/*/*.safetensors"):
        yield path.name, same_entry(path, reference / path.relative_to(cache))
    for path in cache.glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            try:
                said = database.execute("PRAGMA integrity_check").fetchone()[0]
            except sqlite3.Error as error:
                said = str(error)
        yield path.name, "" if said == "ok" else said


def whole_run(run: Path) -> Iterator[tuple[str, str]]:
    folder = RunFolder(run)
    if folder.config.exists():
        yield "config.yaml", refusal(folder.read_config)
    for path in (folder.record, folder.learned, folder.skipped):
        if path.exists():
            yield path.name, refusal(lambda path=path: json.loads(path.read_text()))
    if folder.state.exists():
        yield "state", refusal(lambda: load_state(folder.state))
        # The state vouches that the best model so far is there.
        kept = folder.model if folder.model.exists() else folder.model.with_name("model.old")
        yield kept.name, refusal(lambda: Checkpoint.from_pretrained(kept))
    elif folder.model.exists():
        yield "model", refusal(lambda: Checkpoint.from_pretrained(folder.model))


def same_run(run: Path, reference: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((reference / "model").iterdir()):
        yield path.name, same_bytes(run / "model" / path.name, path)
    yield "metrics.jsonl", same_metrics(run, reference)
    ends = [json.loads((one / "run.json").read_text()) for one in (run, reference)]
    for key in ("finished", "steps", "best_step", "validation_auroc", "splits"):
        yield f"run.json {key}", "" if ends[0][key] == ends[1][key] else "another value"
    first, second = (load_state(RunFolder(one).state) for one in (run, reference))
    equal = first[0] == second[0] and all(torch.equal(first[1][n], w) for n, w in second[1].items())
    yield "state", "" if equal else "other weights"


def same_metrics(run: Path, reference: Path) -> str:
    def lines(path: Path) -> list[dict[str, object]]:
        found = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        # The loss is a running mean for the eye, begun anew by a resumed run.
        return [{key: value for key, value in one.items() if key != "loss"} for one in found]

    return "" if lines(run) == lines(reference) else "other validations"


def whole_results(run: Path, reference: Path) -> Iterator[tuple[str, str]]:
    results, expected = run / "results", reference / "results"
    for path in expected.rglob("*"):
        here = results / path.relative_to(expected)
        if path.is_file() and path.name != "looks.jsonl" and here.is_file():
            yield path.name, same_bytes(here, path)
    looks = results / "looks.jsonl"
    if looks.exists():
        for line in looks.read_text().splitlines():
            yield "looks.jsonl", refusal(lambda line=line: json.loads(line))


def same_results(run: Path, reference: Path) -> Iterator[tuple[str, str]]:
    for path in (reference / "results").rglob("*"):
        if path.is_file() and path.name != "looks.jsonl":
            here = run / "results" / path.relative_to(reference / "results")
            yield path.name, same_bytes(here, path) if here.is_file() else "not there"


def works(root: Path, data: Path) -> list[Work]:
    """What is killed, with the undisturbed results it is compared with."""
    cache = root / "cache"

    def hear(folder: Path) -> None:
        os.environ["RESPLLM_CACHE"] = str(folder)
        load_training_data(CONFIG, Path(), data, load_encoder("mel-patch", None))

    def learn(config: RunConfig) -> Callable[[Path], None]:
        def do(folder: Path) -> None:
            os.environ["RESPLLM_CACHE"] = str(cache)
            train(config, data, folder, resume=True, console=Console(file=StringIO()))

        return do

    def test(folder: Path) -> None:
        os.environ["RESPLLM_CACHE"] = str(cache)
        evaluate_run(folder, data)

    finish(hear, cache)
    heard, trained, saved = root / "heard", root / "trained", root / "saved"
    finish(hear, heard)
    finish(learn(CONFIG), trained)
    finish(learn(SAVING), saved)
    tested = root / "tested"
    shutil.copytree(trained, tested)
    finish(test, tested)
    nothing: Callable[[Path], None] = lambda folder: None  # noqa: E731

    def trained_copy(folder: Path) -> None:
        shutil.copytree(trained, folder)

    def all_entries(folder: Path) -> Iterator[tuple[str, str]]:
        for path in heard.glob("tokens/*/*/*.safetensors"):
            there = (folder / path.relative_to(heard)).is_file()
            yield path.name, "" if there else "not there"

    return [
        Work(
            *("caching", nothing, hear, lambda f: f / "tokens"),
            *(lambda f: whole_cache(f, heard), all_entries),
        ),
        Work(
            *("training", nothing, learn(CONFIG), lambda f: f),
            *(whole_run, lambda f: same_run(f, trained)),
        ),
        Work(
            *("evaluation", trained_copy, test, lambda f: f / "results" / "clean"),
            *(lambda f: whole_results(f, tested), lambda f: same_results(f, tested)),
        ),
        Work(
            *("saving", nothing, learn(SAVING), lambda f: f),
            *(whole_run, lambda f: same_run(f, saved)),
            always_writing=True,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60, help="in all, over the four works")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; default: drawn")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    torch.set_num_threads(1)
    begun = time.monotonic()
    tallies = []
    with TemporaryDirectory(prefix="respllm-kills-") as folder:
        root = Path(folder)
        data = simulate_cohort(root / "data", subjects=200, seed=1).directory
        for number, work in enumerate(works(root, data)):
            kills = asked.kills // 4 + (number < asked.kills % 4)
            tally = Tally(work.name)
            rounds(work, kills, root, random.Random(f"{seed} {work.name}"), tally)
            tallies.append(tally)
    seconds = time.monotonic() - begun
    problems = [f"{t.work} {p}" for t in tallies for p in t.problems]
    total = sum(t.kills for t in tallies)
    if asked.json:
        print(json.dumps({"seed": seed, "seconds": seconds, "works": [*map(asdict, tallies)]}))
    else:
        show(tallies)
        for problem in problems[:20]:
            print("PROBLEM", problem)
        print(
            f"{total} kills, seed {seed}, {seconds:.0f} s: "
            + (f"{len(problems)} problems" if problems else "nothing corrupt, all to the bit")
        )
    sys.exit(bool(problems))


def show(tallies: list[Tally]) -> None:
    table = Table(title="Killed without warning")
    for name in ("work", "kills", "of these in a write", "files checked", "finished to the bit"):
        table.add_column(name, justify="left" if name == "work" else "right")
    table.add_column("problems", justify="right")
    table.add_column("seconds", justify="right")
    for one in tallies:
        numbers = (one.kills, one.writing, one.checked, one.finished, len(one.problems))
        table.add_row(one.work, *map(str, numbers), f"{one.seconds:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()

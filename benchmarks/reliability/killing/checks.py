"""What must be whole after a kill, and what must be equal at the end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import torch

from respllm.errors import RespllmError
from respllm.models import Checkpoint
from respllm.training import RunFolder
from respllm.training.state import load_state


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
        yield "model", refusal(lambda: Checkpoint.from_pretrained(run))
    elif folder.model.exists():
        yield "model", refusal(lambda: Checkpoint.from_pretrained(folder.model))


def same_run(run: Path, reference: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((reference / "model").iterdir()):
        # What has several notes in its header is the same in any order of them.
        same = same_entry if path.suffix == ".safetensors" else same_bytes
        yield path.name, same(run / "model" / path.name, path)
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

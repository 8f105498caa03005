"""A full disk, data that cannot be written, a shared cache, threads: none changes a result."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from benchmarks.reliability.killing.checks import same_bytes, same_entry

from respllm.cli.evaluate import evaluate_run
from respllm.encoders import encode
from respllm.errors import RespllmError
from respllm.models import Checkpoint
from respllm.training import RunFolder, train
from respllm.training.state import load_state
from tests.training.test_train import config_of, validations, weights_of


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The system refuses writes beyond it, in any library: what a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("size", "full"),
    [
        (20_000, "audio index"),
        (500_000, "The model could not be written"),
        (3_000_000, "state could not be written"),
    ],
)
def test_a_full_disk_is_one_clear_error_and_the_run_goes_on_when_there_is_room(
    trained_run: Path,
    small_cohort: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    full: str,
) -> None:
    sizes = {path.name: path.stat().st_size for path in trained_run.rglob("*") if path.is_file()}
    assert sizes["tokenizer.json"] < 500_000 < sizes["model.safetensors"]
    assert sizes["model.safetensors"] < 3_000_000 < sizes["last.pt"]
    if full == "audio index":
        monkeypatch.setenv("RESPLLM_CACHE", str(tmp_path / "cache"))
    out, config = tmp_path / "run", config_of(trained_run)
    with no_file_larger_than(size), pytest.raises(RespllmError, match=full):
        train(config, small_cohort, out)
    assert not list(out.rglob("*.new")), "what was begun takes no room"
    train(config, small_cohort, out, resume=True)
    assert weights_of(out) == weights_of(trained_run)
    assert validations(out) == validations(trained_run)


def test_a_full_disk_in_the_middle_leaves_model_and_state_whole(
    trained_run: Path, small_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from respllm.training.observing import RunRecorder

    real, saves = RunRecorder.save, []

    def save(self: RunRecorder, *args: Any) -> None:
        saves.append(args)
        with no_file_larger_than(3_000_000 if len(saves) == 2 else resource.RLIM_INFINITY):
            real(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, "save", save)
        with pytest.raises(RespllmError, match="state could not be written"):
            train(config_of(trained_run), small_cohort, tmp_path / "run")
    assert load_state(RunFolder(tmp_path / "run").state)[0].step == 4
    assert Checkpoint.from_pretrained(tmp_path / "run")
    train(config_of(trained_run), small_cohort, tmp_path / "run", resume=True)
    assert weights_of(tmp_path / "run") == weights_of(trained_run)


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of all in a folder; a folder's time changes with its names."""
    found = [folder, *folder.rglob("*")]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def test_nothing_is_written_where_the_data_lies(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    """So a data folder may be read only; root may write anywhere, so writes are looked for."""
    before = stamps(small_cohort)
    out = tmp_path / "run"
    train(config_of(trained_run, epochs=1), small_cohort, out)
    evaluate_run(out, small_cohort)
    assert stamps(small_cohort) == before


def one_after_the_other(
    work: Callable[[Any], Any], items: Iterable[Any]
) -> Iterator[tuple[Any, Any]]:
    for item in items:
        yield item, work(item)


def slow_reading(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for number, item in enumerate(items):
        time.sleep(0.01 * (number % 3))
        yield item, work(item)


@pytest.mark.parametrize("threads", [1, 3, 8])
def test_threads_that_read_ahead_do_not_matter(
    trained_run: Path,
    small_cohort: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
) -> None:
    """Decoded by so many threads, and with batches read when they are needed."""
    monkeypatch.setenv("RESPLLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(encode, "_THREADS", threads)
    lazily = one_after_the_other if threads == 1 else slow_reading
    for place in ("training.loop", "models.predicting") if threads < 8 else ():
        monkeypatch.setattr(f"respllm.{place}.ahead", _closing(lazily))
    train(config_of(trained_run), small_cohort, tmp_path / "run")
    assert weights_of(tmp_path / "run") == weights_of(trained_run)
    assert validations(tmp_path / "run") == validations(trained_run)


def _closing(reading: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    return lambda work, items: (pair for pair in reading(work, items))


@pytest.mark.slow
def test_two_fresh_processes_that_share_an_empty_cache_answer_alike_to_the_bit(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    config = tmp_path / "run.yaml"
    content = config_of(trained_run).model_dump(mode="json")
    config.write_text(yaml.safe_dump(content))
    outs = [tmp_path / "first", tmp_path / "second"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "RESPLLM_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "respllm", "train", str(config), "--json"]
    command += ["--data-root", str(small_cohort), "--out"]
    runs = [
        subprocess.Popen(
            [*command, str(out)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for out in outs
    ]
    for run in runs:
        said = run.communicate()[1]
        assert run.returncode == 0, said
    files = [path.relative_to(outs[0]) for path in outs[0].rglob("*") if path.is_file()]
    same = [f for f in files if f.parts[0] in ("model", "results") and f.name != "looks.jsonl"]
    assert {"model.safetensors", "predictions.csv", "scores.csv"} <= {f.name for f in same}
    for file in same:
        same_content = same_entry if file.suffix == ".safetensors" else same_bytes
        assert same_content(outs[0] / file, outs[1] / file) == "", file
    assert not list((tmp_path / "cache" / "tokens" / "tmp").iterdir())

"""Removals at once, and a run that is being prepared meanwhile: nobody is lost from the list."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from respllm.errors import RespllmError
from respllm.removal import forget, forgetting
from respllm.tasks.removed import REMOVED, Removed, name_hash
from tests.removal.conftest import Place, files_of

LOCK = f"{REMOVED}.lock"


def test_of_many_removals_at_once_every_one_is_on_the_list(place: Place) -> None:
    people = [f"mine/p{number:02}" for number in range(8)]
    together = threading.Barrier(len(people))

    def remove(subject: str) -> int:
        together.wait()
        return forget(subject, place.root, tasks=[place.task], cache_dir=place.cache).tokens

    with ThreadPoolExecutor(len(people)) as pool:
        tokens = list(pool.map(remove, people))
    assert tokens == [2] * len(people)
    removals = Removed.read(place.root).removals
    assert {name for one in removals for name in one.people} >= set(map(name_hash, people))
    assert len(removals) == len(people)
    assert all(one.finished for one in removals)
    assert not (place.root / LOCK).exists()


def test_one_waits_for_another_and_then_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "WAIT_SECONDS", 0.1)
    with FileLock(place.root / LOCK):
        before = files_of(place.root.parent)
        with pytest.raises(RespllmError, match="Another removal from this data root"):
            place.forget("mine/p03")
        assert files_of(place.root.parent) == before
    assert place.forget("mine/p03").rows


def test_what_a_killed_removal_left_of_its_lock_is_in_nobody_s_way(place: Place) -> None:
    (place.root / LOCK).touch()
    assert place.forget("mine/p03").rows
    assert not (place.root / LOCK).exists()


def test_a_run_that_says_whom_it_learns_from_during_a_removal_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked at the list before the removal, which looks for runs before and after listing."""
    text = (place.run / "learned.json").read_text()
    (place.run / "learned.json").unlink()
    person = next(
        e.clip.record.subject_id for e in place.task.select(place.root, "clean").parts["train"]
    )
    real = Removed.write

    def write(self: Removed, data_root: Path) -> None:
        (place.run / "learned.json").write_text(text)
        real(self, data_root)

    monkeypatch.setattr(Removed, "write", write)
    assert place.forget(person).learned == (place.run,)

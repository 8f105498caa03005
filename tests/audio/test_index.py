from __future__ import annotations

import hashlib
import logging
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from respllm.audio import AudioFacts, AudioIndex, default_cache_dir, index
from respllm.errors import RespllmError
from tests.audio.sounds import encoded, noise, tone, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def refuse_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> AudioFacts:
        raise AssertionError(f"opened {path}")

    monkeypatch.setattr(index, "read_facts", refuse)


@pytest.mark.parametrize(("kind", "rate"), [("wav", 8_000), ("mp3", 44_100), ("m4a", 44_100)])
def test_facts_come_from_the_header(kind: str, rate: int, folder: Path, tmp_path: Path) -> None:
    content = encoded(np.stack([tone(2.0, rate)] * 2, axis=1), rate, kind)
    path = tmp_path / f"sound.{kind}"
    path.write_bytes(content)
    facts = AudioIndex(folder).facts(path)
    assert facts.path == path
    assert facts.sha256 == hashlib.sha256(content).hexdigest()
    assert facts.seconds == pytest.approx(2.0, abs=0.06)
    assert (facts.sample_rate, facts.channels, facts.error) == (rate, 2, None)


def test_length_of_a_container_that_does_not_state_it(folder: Path, tmp_path: Path) -> None:
    # A browser streams its recording and cannot go back to write the length.
    content = encoded(tone(2.0, 48_000), 48_000, "webm")
    stated = content.index(b"\x44\x89\x88")  # the Duration element becomes padding (Void)
    path = tmp_path / "sound.webm"
    path.write_bytes(content[:stated] + b"\xec\x40\x08" + content[stated + 3 :])
    facts = AudioIndex(folder).facts(path)
    assert facts.seconds == pytest.approx(2.0, abs=0.06)


def test_a_second_run_opens_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = write(tmp_path / "good.wav", tone(1.0))
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    first = AudioIndex(folder).facts_of([good, bad, good])
    assert set(first) == {good, bad}
    assert first[bad].error == "cannot be decoded"
    refuse_to_open(monkeypatch)
    assert AudioIndex(folder).facts_of([good, bad]) == first


def test_a_changed_file_is_looked_at_again(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "sound.wav", tone(1.0))
    before = AudioIndex(folder).facts(path)
    stat = path.stat()
    write(path, tone(1.0, hertz=300))  # the same size
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert AudioIndex(folder).facts(path).sha256 != before.sha256
    write(path, tone(2.0))
    assert AudioIndex(folder).facts(path).seconds == 2.0


@pytest.mark.parametrize("content", [b"", b"text"])
def test_files_that_are_no_sound_have_an_error(
    content: bytes, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "odd.raw"
    path.write_bytes(content)
    facts = AudioIndex(folder).facts(path)
    assert facts.error
    assert facts.sha256
    assert facts.seconds is None


def test_missing_files_and_folders_are_looked_for_each_time(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "later.wav"
    assert "cannot be opened" in (AudioIndex(folder).facts(path).error or "")
    assert "cannot be opened" in (AudioIndex(folder).facts(tmp_path).error or "")
    write(path, tone(1.0))
    assert AudioIndex(folder).facts(path).error is None


def test_odd_names(folder: Path, tmp_path: Path) -> None:
    for name in ("a 'quoted' name;--.wav", "ümläut\n.wav"):
        path = write(tmp_path / "clean.wav", tone(1.0)).rename(tmp_path / name)
        assert AudioIndex(folder).facts(path).error is None
        assert AudioIndex(folder).facts(path).seconds == 1.0
    path = path.rename(tmp_path / os.fsdecode(b"\xff\xfe.wav"))
    assert "not a path" in (AudioIndex(folder).facts(path).error or "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"this is no database, but it has some length" * 100,
        lambda content: content[:100],
        lambda content: content[: len(content) // 2],
        lambda content: content[:4096] + os.urandom(len(content) - 4096),
        lambda content: b"",
    ],
)
def test_a_damaged_index_is_rebuilt(
    damage, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [write(tmp_path / f"{i}.wav", noise(0.2, i)) for i in range(60)]
    first = AudioIndex(folder).facts_of(paths)
    file = folder / index.FILE_NAME
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert AudioIndex(folder).facts_of(paths) == first
    assert bool(damaged) == ("rebuilding" in caplog.text)
    assert AudioIndex(folder).facts_of(paths) == first


def test_a_flipped_byte_never_gives_other_facts(folder: Path, tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{i}.wav", noise(0.1, seed=i)) for i in range(8)]
    known = AudioIndex(folder).facts_of(paths)
    file = folder / index.FILE_NAME
    whole, chance = file.read_bytes(), random.Random(0)
    used = [at for at, value in enumerate(whole) if value]
    for _ in range(150):
        content = bytearray(whole)
        content[chance.choice(used)] ^= chance.randrange(1, 256)
        file.write_bytes(content)
        assert AudioIndex(folder).facts_of(paths) == known


def test_another_table_is_rebuilt(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / index.FILE_NAME) as database:
        database.execute("CREATE TABLE facts (something_else TEXT)")
    database.close()
    path = write(tmp_path / "sound.wav", tone(1.0))
    assert AudioIndex(folder).facts(path).seconds == 1.0


def test_threads_share_an_index(folder: Path, tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{i}.wav", noise(0.2, i)) for i in range(20)]
    shared = AudioIndex(folder)
    found: list[dict] = []
    threads = [
        threading.Thread(target=lambda: found.append(shared.facts_of(paths))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(facts == found[0] for facts in found)


SCAN = """
import sys
from pathlib import Path
from respllm.audio import AudioIndex, index
index._CHUNK = 2
paths = sorted(Path(sys.argv[2]).glob("*.wav"))
while True:
    AudioIndex(Path(sys.argv[1])).facts_of(paths)
    for path in paths:
        path.touch()
    print("turn", flush=True)
"""


def test_killed_processes_that_share_an_index_leave_it_whole(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [write(tmp_path / f"{i}.wav", noise(0.2, i)) for i in range(12)]
    command = [sys.executable, "-c", SCAN, str(folder), str(tmp_path)]
    for turn in range(3):
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        for run in runs:
            assert run.stdout is not None
            assert run.stdout.readline() == b"turn\n"
        time.sleep(0.05 * turn)
        for run in runs:
            run.kill()
            run.wait()
            run.stdout.close()  # type: ignore[union-attr]
    facts = AudioIndex(folder).facts_of(paths)
    assert all(fact.error is None for fact in facts.values())
    assert "rebuilding" not in caplog.text


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(RespllmError, match="RESPLLM_CACHE"):
        AudioIndex(occupied).facts(tmp_path / "any.wav")


def test_a_full_disk_is_one_clear_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "sound.wav", tone(1.0))
    index_file = AudioIndex(folder)
    index_file.facts(path)
    write(path, tone(2.0))

    def full(database: sqlite3.Connection, rows: list) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(index, "_remember", full)
    with pytest.raises(RespllmError, match="disk is full"):
        index_file.facts(path)
    monkeypatch.undo()
    assert AudioIndex(folder).facts(path).seconds == 2.0


def test_only_the_owner_may_look(folder: Path, tmp_path: Path) -> None:
    AudioIndex(folder).facts(write(tmp_path / "sound.wav", tone(1.0)))
    assert (folder / index.FILE_NAME).stat().st_mode & 0o077 == 0


def test_clearing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "sound.wav", tone(1.0))
    AudioIndex(folder).facts(path)
    AudioIndex(folder).clear()
    AudioIndex(folder).clear()
    refuse_to_open(monkeypatch)
    with pytest.raises(AssertionError, match="opened"):
        AudioIndex(folder).facts(path)


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RESPLLM_CACHE", str(tmp_path / "mine"))
    assert default_cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("RESPLLM_CACHE")
    assert default_cache_dir().name == "respllm"

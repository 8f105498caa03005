from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from respllm.encoders import TokenCache, TokenKey, Unusable
from respllm.errors import RespllmError

KEY = TokenKey("mel-patch-opera-1", "a" * 64, 0.0, None, 0)


def tokens_of(seed: int, width: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((64, width)).astype(np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> TokenCache:
    return TokenCache(tmp_path / "tokens")


def entry_of(cache: TokenCache) -> Path:
    (path,) = cache.folder.glob("*/*/*.safetensors")
    return path


def test_what_is_written_is_read(cache: TokenCache) -> None:
    assert cache.read(KEY) is None
    cache.write(KEY, tokens_of(0))
    found = TokenCache(cache.folder).read(KEY)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    assert np.array_equal(found, tokens_of(0))


def test_tokens_are_read_into_their_place(cache: TokenCache) -> None:
    cache.write(KEY, tokens_of(0))
    batch = np.zeros((3, 64, 256), np.float32)
    assert cache.read(KEY, batch[1]) is not None
    assert np.array_equal(batch[1], tokens_of(0))
    assert not batch[[0, 2]].any()
    assert cache.read(KEY, np.zeros((64, 768), np.float32)) is None, "another encoder's width"


def test_what_is_there_is_known_without_reading_it(cache: TokenCache) -> None:
    silent = replace(KEY, window=1)
    assert cache.holds(KEY) is False
    cache.write(KEY, tokens_of(0))
    cache.write(silent, Unusable("The recording is silent"))
    assert cache.holds(KEY) is True
    assert cache.holds(silent) == Unusable("The recording is silent")
    assert cache.read(silent, np.zeros((64, 256), np.float32)) == cache.holds(silent)
    path = Path(cache._path(silent))
    path.write_bytes(path.read_bytes().replace(b"silent", b"sirens"))
    assert cache.holds(silent) is False, "no false reason"


def test_entries_are_files_of_safetensors(cache: TokenCache) -> None:
    cache.write(KEY, tokens_of(0))
    assert np.array_equal(load_file(entry_of(cache))["tokens"], tokens_of(0))


def test_why_there_are_no_tokens_is_kept(cache: TokenCache) -> None:
    cache.write(KEY, Unusable("The recording is silent: ümläut"))
    assert cache.read(KEY) == Unusable("The recording is silent: ümläut")


@pytest.mark.parametrize(
    "other",
    [
        TokenKey("mel-patch-opera-2", "a" * 64, 0.0, None, 0),
        TokenKey("mel-patch-opera-1", "b" * 64, 0.0, None, 0),
        TokenKey("mel-patch-opera-1", "a" * 64, 0.1, None, 0),
        TokenKey("mel-patch-opera-1", "a" * 64, 0.0, 1.0, 0),
        TokenKey("mel-patch-opera-1", "a" * 64, 0.0, None, 1),
    ],
)
def test_every_part_of_the_key_counts(cache: TokenCache, other: TokenKey) -> None:
    cache.write(KEY, tokens_of(0))
    assert cache.read(other) is None


def test_another_front_end_is_another_entry(
    cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write(KEY, tokens_of(0))
    monkeypatch.setattr("respllm.encoders.cache.FRONTEND_BITS", "opera-2")
    assert cache.read(KEY) is None


@given(at=st.integers(0, 10**6), value=st.integers(1, 255))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_byte_never_gives_other_tokens(cache: TokenCache, at: int, value: int) -> None:
    cache.write(KEY, tokens_of(1, width=4))
    path = entry_of(cache)
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= value
    path.write_bytes(content)
    found = cache.read(KEY)
    assert found is None or np.array_equal(found, tokens_of(1, width=4))
    assert cache.holds(KEY) in (True, False)


@pytest.mark.parametrize("size", [0, 5, 100, 5000, -1])
def test_a_shortened_entry_is_not_there(cache: TokenCache, size: int) -> None:
    cache.write(KEY, tokens_of(0))
    content = entry_of(cache).read_bytes()
    entry_of(cache).write_bytes(content[:size])
    assert cache.read(KEY) is None
    assert cache.holds(KEY) is False
    cache.write(KEY, tokens_of(0))
    assert np.array_equal(cache.read(KEY), tokens_of(0))  # type: ignore[arg-type]


def test_a_flipped_token_is_noticed(cache: TokenCache, caplog: pytest.LogCaptureFixture) -> None:
    cache.write(KEY, tokens_of(0))
    content = bytearray(entry_of(cache).read_bytes())
    content[-1] ^= 1
    entry_of(cache).write_bytes(content)
    assert cache.read(KEY) is None
    assert "damaged" in caplog.text


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_loses_nothing(
    code: int, cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write(KEY, tokens_of(0))
    other = TokenKey("mel-patch-opera-1", "c" * 64, 0.0, None, 0)

    def full(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:1000])
        raise OSError(code, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(RespllmError, match=r"No space left.*RESPLLM_CACHE"):
            cache.write(other, tokens_of(1))
    assert not list((cache.folder / "tmp").iterdir())
    assert cache.read(other) is None
    assert isinstance(cache.read(KEY), np.ndarray)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RespllmError, match="make the folder writable"):
        TokenCache(tmp_path / "file")


def test_another_format_is_refused(cache: TokenCache) -> None:
    (cache.folder / "format").write_text("99")
    with pytest.raises(RespllmError, match=r"format '99'.*delete this folder"):
        TokenCache(cache.folder)


def test_only_the_owner_may_look(cache: TokenCache) -> None:
    assert cache.folder.stat().st_mode & 0o077 == 0


def test_summary_and_clearing(cache: TokenCache) -> None:
    other = TokenKey("other-1", "a" * 64, 0.0, None, 0)
    assert cache.summary().entries == 0
    cache.write(KEY, tokens_of(0))
    cache.write(other, tokens_of(0))
    cache.write(other, tokens_of(0))
    summary = cache.summary()
    assert summary.entries == 2
    assert set(summary.by_encoder) == {KEY.encoder, "other-1"}
    assert summary.by_encoder["other-1"][0] == 1
    assert 2 * 64 * 256 * 4 < summary.bytes < 2 * 64 * 256 * 4 + 2000
    assert cache.clear() == 2
    assert cache.summary().entries == 0
    assert cache.read(KEY) is None


def test_drafts_of_killed_runs_are_swept(cache: TokenCache) -> None:
    old, young = cache.folder / "tmp" / "old", cache.folder / "tmp" / "young"
    for draft in (old, young):
        draft.write_text("")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    TokenCache(cache.folder)
    assert not old.exists()
    assert young.exists()


WRITE = """
import sys
from pathlib import Path
import numpy as np
from respllm.encoders.cache import TokenCache, TokenKey
cache = TokenCache(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for i in range(20):
        cache.write(TokenKey("e-1", str(i), 0.0, None, 0), np.full((64, 256), i, np.float32))
"""


def test_killed_writers_leave_no_broken_entry(
    cache: TokenCache, caplog: pytest.LogCaptureFixture
) -> None:
    command = [sys.executable, "-c", WRITE, str(cache.folder)]
    runs: list[subprocess.Popen[Any]] = [
        subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)
    ]
    for turn, run in enumerate(runs):
        assert run.stdout is not None
        assert run.stdout.readline() == b"ready\n"
        time.sleep(0.1 + 0.0037 * turn)
    for run in runs:
        run.kill()
        run.wait()
        run.stdout.close()  # type: ignore[union-attr]
    found = [cache.read(TokenKey("e-1", str(i), 0.0, None, 0)) for i in range(20)]
    assert sum(isinstance(tokens, np.ndarray) for tokens in found) >= 20
    for i, tokens in enumerate(found):
        assert np.array_equal(tokens, np.full((64, 256), i, np.float32))  # type: ignore[arg-type]
    assert "damaged" not in caplog.text

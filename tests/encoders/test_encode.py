from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from respllm.audio import load_audio, log_mel
from respllm.encoders import AudioEncoder, TokenCache, TokenKey, encode, encode_clips, load_encoder
from respllm.encoders.opera_ct import OperaCT
from respllm.errors import AudioError, RespllmError
from tests.audio.sounds import noise, write
from tests.encoders.conftest import clip_of


class Counting(AudioEncoder):
    """An encoder that notes how many clips it is given at a time."""

    name = "counting"
    identity = "counting-1"
    width = 256

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.freeze()

    def _encode(self, mel: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(mel))
        return mel.reshape(len(mel), 64, 256)


@pytest.fixture
def encoder() -> Counting:
    return Counting()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def close_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("opened a recording")

    monkeypatch.setattr(encode, "load_audio", refuse)
    monkeypatch.setattr("respllm.audio.index.read_facts", refuse)


def test_tokens_are_those_of_each_clip(
    recordings: list[Path], encoder: Counting, root: Path
) -> None:
    encoded = encode_clips(
        [clip_of(path) for path in recordings], encoder, cache_dir=root, batch_size=4
    )
    assert encoded.usable.all()
    assert encoded.skipped == ()
    assert encoder.batches == [4, 2]
    tokens = encoded.tokens([5, 0, 5])
    assert tokens.shape == (3, 64, 256)
    assert tokens.dtype == np.float32
    for row, index in enumerate([5, 0, 5]):
        assert np.array_equal(tokens[row].ravel(), log_mel(load_audio(recordings[index])).ravel())
    assert encoded.tokens([]).shape == (0, 64, 256)


def test_a_second_run_opens_no_audio(
    recordings: list[Path], encoder: Counting, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = write(recordings[0].parent / "silent.wav", np.zeros(16_000, np.float32))
    no_sound = recordings[0].parent / "text.wav"
    no_sound.write_text("text")
    clips = [clip_of(path) for path in [*recordings, silent, no_sound]]
    first = encode_clips(clips, encoder, cache_dir=root)
    encoder.batches.clear()
    close_the_files(monkeypatch)
    second = encode_clips(clips, encoder, cache_dir=root)
    assert encoder.batches == []
    assert second.skipped == first.skipped
    assert np.array_equal(second.usable, first.usable)
    assert np.array_equal(second.tokens([2, 4]), first.tokens([2, 4]))


def test_the_same_sound_is_computed_once(
    recordings: list[Path], encoder: Counting, root: Path
) -> None:
    copy = recordings[0].parent / "copy.wav"
    shutil.copy(recordings[0], copy)
    clips = [clip_of(recordings[0]), clip_of(copy), clip_of(recordings[0])]
    encoded = encode_clips(clips, encoder, cache_dir=root)
    assert encoder.batches == [1]
    assert encoded.usable.tolist() == [True, True, True]
    tokens = encoded.tokens([0, 1, 2])
    assert np.array_equal(tokens[0], tokens[1])
    assert np.array_equal(tokens[0], tokens[2])


def test_windows_of_one_recording_decode_it_once(
    tmp_path: Path, encoder: Counting, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "long.wav", noise(20))
    opened = []

    def counted(*args: object) -> np.ndarray:
        opened.append(args)
        return load_audio(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(encode, "load_audio", counted)
    clips = [clip_of(path, window=window) for window in (0, 2, 3, 4)]
    encoded = encode_clips(clips, encoder, cache_dir=root)
    assert len(opened) == 1
    assert encoded.usable.tolist() == [True, True, True, False]
    assert "4 windows" in encoded.skipped[0].reason
    assert np.array_equal(encoded.tokens([2])[0].ravel(), log_mel(load_audio(path), 3).ravel())


def test_stretches_are_told_apart(tmp_path: Path, encoder: Counting, root: Path) -> None:
    path = write(tmp_path / "long.wav", noise(6))
    clips = [clip_of(path), clip_of(path, start=1.0, stop=2.0), clip_of(path, start=4.0)]
    tokens = encode_clips(clips, encoder, cache_dir=root).tokens([0, 1, 2])
    assert np.array_equal(tokens[1].ravel(), log_mel(load_audio(path, 1.0, 2.0)).ravel())
    assert not np.array_equal(tokens[0], tokens[2])


def bad_recordings(folder: Path) -> dict[str, Path]:
    (folder / "text.wav").write_text("text")
    (folder / "empty.wav").write_bytes(b"")
    not_numbers = noise(1)
    not_numbers[5] = np.nan
    soundfile.write(folder / "nan.wav", not_numbers, 16_000, subtype="FLOAT")
    return {
        "cannot be decoded": folder / "text.wav",
        "empty": folder / "empty.wav",
        "not numbers": folder / "nan.wav",
        "silent": write(folder / "silent.wav", np.zeros(16_000, np.float32)),
        "too short": write(folder / "short.wav", noise(0.05)),
        "cannot be opened": folder / "missing.wav",
    }


def test_views_are_other_sounds_and_decode_a_recording_once(
    recordings: list[Path], encoder: Counting, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(
        encode, "load_audio", lambda path, *rest: opened.append(path) or load_audio(path, *rest)
    )
    clip = clip_of(recordings[0])
    clips = [replace(clip, view=view) for view in range(3)]
    tokens = encode_clips(clips, encoder, cache_dir=root).tokens([0, 1, 2])
    assert opened == [recordings[0]]
    assert np.array_equal(tokens[0].reshape(256, 64), log_mel(load_audio(recordings[0])))
    assert min(np.abs(tokens[i] - tokens[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))) > 0.01
    again = encode_clips(clips[::-1], encoder, cache_dir=root).tokens([2, 1, 0])
    assert np.array_equal(tokens, again)
    assert len(opened) == 1


def test_bad_recordings_are_skipped_and_named(
    recordings: list[Path], encoder: Counting, root: Path
) -> None:
    bad = bad_recordings(recordings[0].parent)
    clips = [clip_of(recordings[0]), *map(clip_of, bad.values()), clip_of(recordings[1])]
    encoded = encode_clips(clips, encoder, cache_dir=root)
    assert encoded.usable.tolist() == [True] + [False] * len(bad) + [True]
    assert [skipped.path for skipped in encoded.skipped] == list(bad.values())
    for reason, skipped in zip(bad, encoded.skipped, strict=True):
        assert reason in skipped.reason
    assert encoded.skipped[0].clip_id == clips[1].clip_id
    with pytest.raises(RespllmError, match="usable clips only"):
        encoded.tokens([0, 1])


def test_strict_stops_at_a_bad_recording(
    recordings: list[Path], encoder: Counting, root: Path
) -> None:
    for reason, path in bad_recordings(recordings[0].parent).items():
        clips = [clip_of(recordings[0]), clip_of(path), clip_of(recordings[1])]
        for _ in range(2):  # the second time from the cache
            with pytest.raises(AudioError, match=reason) as caught:
                encode_clips(clips, encoder, cache_dir=root, strict=True, batch_size=1)
            assert str(path) in str(caught.value)


def test_a_recording_that_could_not_be_opened_is_tried_again(
    recordings: list[Path], encoder: Counting, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: Path, *stretch: object) -> np.ndarray:
        raise AudioError("locked") from PermissionError("locked")

    clips = [clip_of(recordings[0])]
    with monkeypatch.context() as patch:
        patch.setattr(encode, "load_audio", locked)
        assert not encode_clips(clips, encoder, cache_dir=root).usable.any()
    assert encode_clips(clips, encoder, cache_dir=root).usable.all()


def flip_the_last_byte(entry: Path) -> None:
    content = entry.read_bytes()
    entry.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def shorten(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[:-1])


@pytest.mark.parametrize(("damage", "at_once"), [(flip_the_last_byte, False), (shorten, True)])
def test_a_damaged_entry_is_computed_again(
    damage: Callable[[Path], None],
    at_once: bool,
    recordings: list[Path],
    encoder: Counting,
    root: Path,
) -> None:
    clips = [clip_of(path) for path in recordings]
    expected = encode_clips(clips, encoder, cache_dir=root).tokens(range(6))
    for entry in list((root / "tokens").glob("*/*/*.safetensors"))[:2]:
        damage(entry)
    encoder.batches.clear()
    encoded = encode_clips(clips, encoder, cache_dir=root)
    assert encoder.batches == ([2] if at_once else []), "a length is seen, a byte is read later"
    assert np.array_equal(encoded.tokens(range(6)), expected)
    assert sum(encoder.batches) == 2
    encoder.batches.clear()
    assert np.array_equal(encoded.tokens(range(6)), expected)
    assert encoder.batches == []


def test_tokens_are_read_when_they_are_asked_for(
    recordings: list[Path], encoder: Counting, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [clip_of(path) for path in recordings]
    encode_clips(clips, encoder, cache_dir=root)
    read: list[TokenKey] = []
    original = TokenCache.read

    def noted(cache: TokenCache, key: TokenKey, out: np.ndarray | None = None) -> object:
        read.append(key)
        return original(cache, key, out)

    monkeypatch.setattr(TokenCache, "read", noted)
    encoded = encode_clips(clips, encoder, cache_dir=root)
    assert read == []
    encoded.tokens([4, 1])
    assert len(read) == 2


def test_what_was_computed_before_an_interruption_is_kept(
    recordings: list[Path], encoder: Counting, root: Path
) -> None:
    clips = [clip_of(path) for path in recordings]

    def interrupt(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_clips(clips, encoder, cache_dir=root, batch_size=2, progress=interrupt)
    encoder.batches.clear()
    encode_clips(clips, encoder, cache_dir=root, batch_size=2)
    assert encoder.batches == [2]


def test_a_cleared_cache_is_filled_again(
    recordings: list[Path], encoder: Counting, root: Path
) -> None:
    encoded = encode_clips([clip_of(recordings[0])], encoder, cache_dir=root)
    expected = encoded.tokens([0])
    TokenCache(root / "tokens").clear()
    assert np.array_equal(encoded.tokens([0]), expected)


def test_no_other_sound_takes_the_place_of_a_lost_one(
    recordings: list[Path], encoder: Counting, root: Path
) -> None:
    encoded = encode_clips([clip_of(recordings[0])], encoder, cache_dir=root)
    TokenCache(root / "tokens").clear()
    write(recordings[0], noise(1, seed=99))
    for _ in range(2):
        with pytest.raises(RespllmError, match="encode the clips again"):
            encoded.tokens([0])
        recordings[0].unlink(missing_ok=True)


def test_progress_counts_every_clip(recordings: list[Path], encoder: Counting, root: Path) -> None:
    clips = [clip_of(path) for path in [*recordings, recordings[0], recordings[0].parent]]
    calls: list[tuple[int, int]] = []
    for _ in range(2):
        calls.clear()
        encode_clips(clips, encoder, cache_dir=root, progress=lambda *call: calls.append(call))
        assert calls == sorted(calls)
        assert calls[-1] == (8, 8)


def test_no_clips(encoder: Counting, root: Path) -> None:
    encoded = encode_clips([], encoder, cache_dir=root)
    assert encoded.usable.shape == (0,)
    assert encoded.tokens([]).shape == (0, 64, 256)


def test_batches_do_not_change_tokens(recordings: list[Path], opera: OperaCT, root: Path) -> None:
    clips = [clip_of(path) for path in recordings[:3]]
    alone = encode_clips(clips, opera, cache_dir=root / "a", batch_size=1).tokens(range(3))
    together = encode_clips(clips[::-1], opera, cache_dir=root / "b").tokens(range(3))[::-1]
    assert np.allclose(alone, together, atol=1e-6, rtol=1e-6)


RUN = """
import sys
from pathlib import Path
from respllm.encoders import encode_clips, load_encoder
from tests.encoders.conftest import clip_of
clips = [clip_of(path) for path in sorted(Path(sys.argv[1]).glob("*.wav"))]
encoded = encode_clips(clips, load_encoder("mel-patch"), cache_dir=Path(sys.argv[2]), batch_size=2)
print(encoded.usable.sum(), float(encoded.tokens(range(len(clips))).sum()))
"""


def test_processes_share_a_cache(recordings: list[Path], root: Path) -> None:
    command = [sys.executable, "-c", RUN, str(recordings[0].parent), str(root)]
    repository = Path(__file__).parents[2]
    runs = [
        subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate()[0] for run in runs]
    clips = [clip_of(path) for path in recordings]
    expected = encode_clips(clips, load_encoder("mel-patch"), cache_dir=root / "own")
    assert said == [f"6 {float(expected.tokens(range(6)).sum())}\n"] * 2
    assert TokenCache(root / "tokens").summary().entries == 6

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.audio import SAMPLE_RATE, load_audio, loading, log_mel, read_facts
from respllm.errors import AudioError
from tests.audio.sounds import encoded, tone, write

KINDS = {"wav": 44_100, "flac": 44_100, "mp3": 44_100, "ogg": 44_100, "opus": 48_000}
KINDS |= {"m4a": 44_100, "webm": 48_000}


def dominant_hertz(waveform: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(waveform))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / len(waveform)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_any_common_file_gives_the_same_sound(kind: str, channels: int, tmp_path: Path) -> None:
    rate = KINDS[kind]
    sound = tone(2.0, rate)
    content = encoded(np.stack([sound] * channels, axis=1), rate, kind)
    path = tmp_path / f"sound.{kind}"
    path.write_bytes(content)
    waveform = load_audio(path)
    assert waveform.dtype == np.float32
    assert waveform.ndim == 1
    assert len(waveform) / SAMPLE_RATE == pytest.approx(2.0, abs=0.06)
    assert dominant_hertz(waveform) == pytest.approx(440, abs=2)
    assert np.std(waveform) == pytest.approx(np.std(sound), rel=0.05)
    assert np.array_equal(waveform, load_audio(content))
    assert np.array_equal(waveform, load_audio(str(path)))


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_equals_librosa(rate: int, channels: int) -> None:
    librosa = pytest.importorskip("librosa")
    shape = (rate // 2 + 7, channels)
    sound = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    content = encoded(0.1 * sound, rate, "wav")
    expected, _ = librosa.load(io.BytesIO(content), sr=SAMPLE_RATE)
    assert np.array_equal(load_audio(content), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stretch_is_that_part_of_the_whole(kind: str) -> None:
    rate = KINDS[kind]
    content = encoded(tone(3.0, rate), rate, kind)
    whole, part = load_audio(content), load_audio(content, 1.0, 2.0)
    assert len(part) == SAMPLE_RATE
    # The resampler starts afresh at a cut, so the first and last samples differ a little.
    inside = slice(500, -500)
    assert np.allclose(part[inside], whole[SAMPLE_RATE : 2 * SAMPLE_RATE][inside], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_join_without_a_seam(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(tone(2.0, KINDS[kind]), KINDS[kind], kind)
    at_once = load_audio(content)
    monkeypatch.setattr(loading, "_BLOCK", 1000)
    assert np.array_equal(load_audio(content), at_once)


def test_a_stretch_is_cut_before_resampling() -> None:
    sound = tone(2.0, 8_000)
    cut = encoded(sound[4_000:12_000], 8_000, "wav")
    assert np.array_equal(load_audio(encoded(sound, 8_000, "wav"), 0.5, 1.5), load_audio(cut))


def test_a_stop_after_the_end_is_the_end() -> None:
    content = encoded(tone(1.0), SAMPLE_RATE, "wav")
    for stop in (99.0, 1e308, np.inf):
        assert np.array_equal(load_audio(content, 0.0, stop), load_audio(content))


@pytest.mark.parametrize("kind", ["wav", "webm"])
def test_a_start_after_the_end_is_an_error(kind: str) -> None:
    content = encoded(tone(1.0, KINDS[kind]), KINDS[kind], kind)
    with pytest.raises(AudioError, match="no samples after 5 s"):
        load_audio(content, 5.0)
    with pytest.raises(AudioError, match="no samples after"):
        load_audio(content, 1e308)


@pytest.mark.parametrize(
    ("start", "stop"), [(1.0, 1.0), (2.0, 1.0), (-1.0, None), (np.nan, 1.0), (np.inf, None)]
)
def test_an_empty_stretch_is_an_error(start: float, stop: float | None) -> None:
    with pytest.raises(AudioError, match="empty"):
        load_audio(encoded(tone(3.0), SAMPLE_RATE, "wav"), start, stop)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"nowhere\.wav") as caught:
        load_audio(tmp_path / "nowhere.wav")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_name_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "clean.wav", tone(1.0)).rename(tmp_path / os.fsdecode(b"\xff.wav"))
    with pytest.raises(AudioError, match="rename the file"):
        load_audio(path)
    with pytest.raises(AudioError, match="Not a path"):
        load_audio("a\0b.wav")


def header_only() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello, this is text", "cannot be decoded"),
        (bytes(5000), "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "cannot be decoded"),
        (header_only(), "no samples"),
        (header_only()[:20], "cannot be decoded"),
    ],
)
@pytest.mark.parametrize("name", ["sound.wav", "sound.raw", "sound.mp3", "sound"])
def test_what_is_no_sound_is_an_error(content: bytes, said: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=said):
        load_audio(content)
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AudioError, match=said) as caught:
        load_audio(path)
    assert str(path) in str(caught.value)


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.wav", tone(1.0))
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioError, match="cannot be decoded"):
        load_audio(playlist)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_an_error(bad: float) -> None:
    sound = tone(1.0)
    sound[100] = bad
    with pytest.raises(AudioError, match="1 of 16000 samples are not numbers"):
        load_audio(encoded(sound, SAMPLE_RATE, "wav"))


def test_absurdly_large_samples_are_an_error() -> None:
    with pytest.raises(AudioError, match="full scale 1"):
        load_audio(encoded(tone(1.0) * np.float32(1e30), SAMPLE_RATE, "wav"))


def test_hours_are_refused_by_the_header() -> None:
    # 100 samples per second keep the file small; reading it would still give hours at 16 kHz.
    content = encoded(np.zeros(100 * 7200, np.float32), 100, "wav")
    with pytest.raises(AudioError, match="longer than 1 hour") as caught:
        load_audio(content)
    assert "start and stop" in str(caught.value)
    assert len(load_audio(content, 5000.0, 5001.0)) == SAMPLE_RATE


def test_what_has_no_honest_header_is_cut_off_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_SECONDS", 1.0)
    content = encoded(tone(3.0, 48_000), 48_000, "webm")
    with pytest.raises(AudioError, match="longer than"):
        load_audio(content)
    with pytest.raises(AudioError, match="longer than"):
        load_audio(content, 0.5, 2.5)
    assert len(load_audio(content, 1.5, 2.5)) == SAMPLE_RATE


def test_a_header_that_promises_more_than_there_is() -> None:
    content = bytearray(encoded(tone(1.0), SAMPLE_RATE, "wav"))
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 2**31)
    assert len(load_audio(bytes(content))) == SAMPLE_RATE


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["wav", "flac", "mp3", "ogg", "webm", "m4a"]),
    length=st.integers(0, 3000),
    flips=st.lists(st.tuples(st.integers(0, 2999), st.integers(0, 255)), max_size=20),
)
def test_damaged_files_give_sound_or_one_error(
    kind: str, length: int, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(encoded(tone(0.2, KINDS[kind]), KINDS[kind], kind)[:length])
    for at, value in flips:
        if at < len(content):
            content[at] = value
    try:
        waveform = load_audio(bytes(content))
    except AudioError:
        return
    assert waveform.dtype == np.float32
    assert len(waveform) > 0
    assert np.isfinite(waveform).all()


def test_real_recordings_load(shared_data: Path) -> None:
    for name in ("icbhi", "kauh", "covid19_cough"):
        path = next(p for p in sorted((shared_data / name).rglob("*")) if p.suffix in _AUDIO)
        waveform = load_audio(path)
        assert len(waveform) > SAMPLE_RATE // 2
        assert 0 < np.abs(waveform).max() < 1.5


_AUDIO = {".flac", ".mp3", ".wav"}


@pytest.mark.parametrize("channels", [1, 2, 7, 8, 9, 64])
def test_the_second_decoder_reads_any_number_of_channels(
    channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PyAV reads beyond the planes of a frame of eight or more, which ended the process.
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (4000, channels)).astype(np.float32)
    content = encoded(sound, SAMPLE_RATE, "wav")
    expected = load_audio(content)

    def refuse(*arguments: object) -> None:
        raise TypeError

    monkeypatch.setattr(loading, "_soundfile_blocks", refuse)
    assert np.allclose(load_audio(content), expected, atol=1e-6)


def without_length(content: bytes) -> bytes:
    """A FLAC file as an encoder writes it into a pipe: its header knows no number of samples."""
    changed = bytearray(content)
    changed[21] &= 0xF0
    changed[22:26] = bytes(4)
    return bytes(changed)


def test_a_stream_without_a_length_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoded(tone(3.0), SAMPLE_RATE, "flac")
    content = without_length(whole)
    assert np.array_equal(load_audio(content), load_audio(whole))
    assert np.array_equal(load_audio(content, 1.0, 2.0), load_audio(whole, 1.0, 2.0))
    path = tmp_path / "piped.flac"
    path.write_bytes(content)
    facts = read_facts(path)
    assert (facts.seconds, facts.error) == (None, None)
    monkeypatch.setattr(loading, "MAX_SECONDS", 2.0)
    with pytest.raises(AudioError, match="longer than"):
        load_audio(content)


def test_memory_follows_the_seconds_and_not_the_rate() -> None:
    # FLAC keeps 13 million samples of silence in some kilobytes.
    content = encoded(np.zeros((655_350 * 20, 1), np.int16), 655_350, "flac")
    tracemalloc.start()
    try:
        assert len(load_audio(content)) == 20 * SAMPLE_RATE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6, "13 million samples at once would be 52 MB"


def test_samples_of_all_channels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_SAMPLES", 10_000)
    sound = np.zeros((2000, 6), np.float32)
    with pytest.raises(AudioError, match=r"more than 10,000 samples \(6 channels at 8000 Hz\)"):
        load_audio(encoded(sound, 8000, "wav"))
    assert len(load_audio(encoded(sound[:1000], 8000, "wav"))) == 2000
    with pytest.raises(AudioError, match="more than 10,000 samples"):
        load_audio(without_length(encoded(np.zeros(20_000), SAMPLE_RATE, "flac")))


@pytest.mark.parametrize("rate", [1, 2, 100, 8000, 192_000, 384_000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 64])
def test_any_rate_depth_and_channels_give_a_log_mel(rate: int, subtype: str, channels: int) -> None:
    frames = min(3 * rate, 100_000)
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (frames, 1)).repeat(channels, axis=1)
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format="WAV", subtype=subtype)
    waveform = load_audio(buffer.getvalue())
    assert len(waveform) == pytest.approx(frames * SAMPLE_RATE / rate, abs=1)
    mel = log_mel(waveform)
    assert np.isfinite(mel).all()
    assert 0 <= mel.min() <= mel.max() <= 1


def test_a_rate_that_no_device_has_is_an_error() -> None:
    with pytest.raises(AudioError, match="A sample rate of 2147483647 Hz"):
        load_audio(encoded(np.zeros(1000), 2**31 - 1, "wav"))


@pytest.mark.parametrize(("channels", "rate"), [(0, 16_000), (1, 0)])
def test_no_channels_or_no_rate_is_an_error(channels: int, rate: int) -> None:
    content = bytearray(encoded(tone(1.0), SAMPLE_RATE, "wav"))
    content[22:24] = struct.pack("<H", channels)
    content[24:28] = struct.pack("<I", rate)
    with pytest.raises(AudioError, match="cannot be decoded"):
        load_audio(bytes(content))

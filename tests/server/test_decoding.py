"""Small files that unfold to hours cost neither memory nor time."""

from __future__ import annotations

import io
import resource
import struct
import time

import av
import numpy as np
import pytest
import soundfile

from respllm.errors import AudioError
from respllm.server.decoding import decode
from respllm.server.settings import Settings
from tests.server.conftest import wav

SETTINGS = Settings(max_seconds=30, max_samples=2**24)


def silence(seconds: float, rate: int, channels: int, fmt: str) -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, channels, format=fmt) as out:
        block = np.zeros((rate, channels), np.int16)
        for _ in range(round(seconds)):
            out.write(block)
    return file.getvalue()


def test_a_recording_is_what_python_hears() -> None:
    from respllm.audio import load_audio

    for audio in (wav(5), wav(5, rate=44_100), wav(5, rate=8_000, fmt="FLAC")):
        assert np.array_equal(decode(audio, SETTINGS), load_audio(audio))
    assert len(decode(wav(5), SETTINGS, 1.0, 2.5)) == 24_000


def test_the_limit_is_for_what_is_heard() -> None:
    assert len(decode(wav(29.9), SETTINGS)) == 29.9 * 16_000
    with pytest.raises(AudioError, match="too long"):
        decode(wav(30.2), SETTINGS)
    assert len(decode(wav(40), SETTINGS, 20, 25)) == 5 * 16_000
    with pytest.raises(AudioError, match="too long"):
        decode(wav(40), SETTINGS, 2)


@pytest.mark.parametrize(
    ("seconds", "rate", "channels", "fmt"),
    [(600, 8_000, 1, "FLAC"), (20, 192_000, 8, "FLAC"), (600, 8_000, 1, "OGG")],
)
def test_a_bomb_is_refused_quickly_in_little_memory(
    seconds: float, rate: int, channels: int, fmt: str
) -> None:
    bomb = silence(seconds, rate, channels, fmt)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    with pytest.raises(AudioError, match="too long"):
        decode(bomb, SETTINGS)
    assert time.perf_counter() - begun < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "KiB"


def test_a_header_that_lies_about_its_length() -> None:
    honest = bytearray(silence(600, 8_000, 1, "FLAC"))
    # STREAMINFO: the last 36 of 64 bits at offset 18 are the number of samples; 0 is "unknown".
    packed = struct.unpack(">Q", honest[18:26])[0] & ~((1 << 36) - 1)
    honest[18:26] = struct.pack(">Q", packed)
    with pytest.raises(AudioError, match="too long"):
        decode(bytes(honest), SETTINGS)


def test_a_codec_that_nobody_knows() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    strange = file.getvalue().replace(b"A_OPUS", b"A_OPUX")
    with pytest.raises(AudioError, match="cannot be decoded"):
        decode(strange, SETTINGS)

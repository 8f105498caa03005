"""Recordings."""

from __future__ import annotations

import io
from pathlib import Path

from benchmarks.reliability.fuzzing.checks import check


class Audio:
    """`load_audio`, what the model hears of it, and the header alone."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sound"

    def seeds(self) -> dict[str, bytes]:
        import av
        import numpy as np
        import soundfile

        def written(kind: str, subtype: str | None, rate: int, channels: int) -> bytes:
            t = np.arange(rate // 5)[:, None] / rate
            sound = 0.3 * np.sin(2 * np.pi * 440 * t * (1 + np.arange(channels)))
            buffer = io.BytesIO()
            soundfile.write(buffer, sound, rate, format=kind, subtype=subtype)
            return buffer.getvalue()

        def with_av(container: str, codec: str, rate: int) -> bytes:
            sound = 0.3 * np.sin(np.arange(rate // 5, dtype=np.float32) * 0.1)[None]
            buffer = io.BytesIO()
            with av.open(buffer, "w", format=container) as out:
                stream = out.add_stream(codec, rate=rate, layout="mono")
                frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
                frame.sample_rate = rate
                for packet in [*stream.encode(frame), *stream.encode(None)]:
                    out.mux(packet)
            return buffer.getvalue()

        found = {
            f"{kind}-{subtype}-{rate}-{channels}": written(kind, subtype, rate, channels)
            for kind, subtype, rate, channels in [
                ("WAV", "PCM_U8", 8000, 1),
                ("WAV", "PCM_16", 16000, 2),
                ("WAV", "PCM_24", 44100, 1),
                ("WAV", "FLOAT", 16000, 1),
                ("WAV", "DOUBLE", 96000, 8),
                ("WAV", "IMA_ADPCM", 8000, 1),
                ("WAVEX", "PCM_32", 48000, 6),
                ("AIFF", "PCM_16", 22050, 1),
                ("CAF", "ALAW", 8000, 1),
                ("W64", "PCM_16", 16000, 1),
                ("FLAC", "PCM_16", 44100, 1),
                ("FLAC", "PCM_24", 192000, 2),
                ("OGG", "VORBIS", 44100, 1),
                ("OGG", "OPUS", 48000, 1),
                ("MP3", None, 44100, 1),
            ]
        }
        return found | {
            "m4a": with_av("mp4", "aac", 44100),
            "webm": with_av("webm", "libopus", 48000),
        }

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        import numpy as np

        from respllm.audio import check_usable, load_audio, log_mel, read_facts, warnings

        self.path.write_bytes(content)
        facts = read_facts(self.path)
        check(facts.seconds is None or facts.seconds >= 0, f"facts of {facts.seconds} s")
        waveform = load_audio(content if forged else self.path)
        check(waveform.dtype == np.float32 and waveform.ndim == 1, "not a mono float32 waveform")
        check(0 < len(waveform) <= 3600 * 16_000 + 1, f"{len(waveform)} samples")
        check(np.isfinite(waveform).all(), "samples that are no numbers")
        mel = log_mel(waveform)
        check(mel.min() >= 0 and mel.max() <= 1, "log-mel out of range")
        warnings(check_usable(waveform))

"""Recordings as mel powers, computed once and read from one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from respllm.audio import check_usable, load_audio, trim_silence
from respllm.audio.frontend import FFT_HOP, N_MELS, mel_levels
from respllm.errors import AudioError, RespllmError
from respllm.pretraining.audio.settings import SimulatedSound
from respllm.simulation.devices import DEVICES, record
from respllm.simulation.questions import SoundKind
from respllm.simulation.sounds import RATE, synthesise
from respllm.types import Record

_AT_ONCE = 64  # recordings decoded before they are written
_KINDS: tuple[SoundKind, ...] = ("breath", "cough", "lung")


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording that was decoded.

    Attributes:
        source: name of the source it came from.
        subject: who was recorded.
        start, stop: its frames in the file of spectrograms.
    """

    source: str
    subject: str
    start: int
    stop: int


class Spectrograms:
    """The mel powers of all recordings in dB, float16 (frames, 64), one after another in a file.

    Attributes:
        heard: the recordings, in the file's order.
        unusable: how many could not be used.
    """

    def __init__(self, path: Path, heard: Sequence[Heard], unusable: int) -> None:
        self.heard = tuple(heard)
        self.unusable = unusable
        frames = heard[-1].stop if heard else 0
        self._levels = np.memmap(path, np.float16, "r", shape=(frames, N_MELS))

    @property
    def seconds(self) -> float:
        """Of sound, silence at the ends of recordings trimmed."""
        return len(self._levels) * FFT_HOP / RATE

    def levels(self, heard: Heard) -> np.ndarray:
        """One recording: float16 (frames, 64), dB."""
        return self._levels[heard.start : heard.stop]


def hear(
    records: Mapping[str, Sequence[Record]],
    simulated: Mapping[str, SimulatedSound],
    path: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Spectrograms:
    """Decode recordings, synthesise simulated ones, and write their mel powers to a file.

    Args:
        records: of each source's name its recordings.
        simulated: of each source's name what to synthesise.
        path: of the file; an old one is replaced.
        progress: called with (recordings done, recordings in all).

    Raises:
        RespllmError: no recording at all can be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    total = sum(map(len, records.values())) + sum(one.recordings for one in simulated.values())
    heard: list[Heard] = []
    done = unusable = at = 0
    with path.open("wb") as file:
        for source, subject, levels in _all(records, simulated):
            done += 1
            if levels is None:
                unusable += 1
            else:
                file.write(levels.tobytes())
                heard.append(Heard(source, subject, at, at + len(levels)))
                at += len(levels)
            if progress:
                progress(done, total)
    if not heard:
        raise RespllmError(
            "Not one recording can be used",
            where=f"{total} recordings",
            expected="sound that can be decoded and is not silent",
            next_step="run `respllm data check`",
        )
    return Spectrograms(path, heard, unusable)


def _all(
    records: Mapping[str, Sequence[Record]], simulated: Mapping[str, SimulatedSound]
) -> Iterator[tuple[str, str, np.ndarray | None]]:
    with ThreadPoolExecutor(2) as pool:
        for source, some in records.items():
            for start in range(0, len(some), _AT_ONCE):
                part = some[start : start + _AT_ONCE]
                for one, levels in zip(part, pool.map(_decoded, part), strict=True):
                    yield source, one.subject_id, levels
    for source, settings in simulated.items():
        for number in range(settings.recordings):
            yield source, f"{source}/{number}", _synthesised(settings.seed, number)


def _decoded(record: Record) -> np.ndarray | None:
    try:
        waveform = load_audio(record.audio_path)
        check_usable(waveform)
        return mel_levels(trim_silence(waveform)).astype(np.float16)
    except AudioError:
        return None


def _synthesised(seed: int, number: int) -> np.ndarray:
    """A simulated recording by a simulated device at 16 kHz or what of it the device lets through.

    Signs are drawn alike for everybody: there is no answer in it to be learned.
    """
    rng = np.random.default_rng([seed, number])
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    sound = synthesise(kind, rng.standard_normal(4), rng)
    # KAUH's stay unheard, as KAUH itself does.
    devices = [device for name, some in DEVICES.items() if name != "kauh" for device in some]
    device = devices[int(rng.integers(len(devices)))]
    samples = record(sound.waveform, device, rng) / 32768
    if device.sampling_rate != RATE:
        import soxr

        samples = soxr.resample(samples, device.sampling_rate, RATE)
    return mel_levels(trim_silence(samples.astype(np.float32))).astype(np.float16)

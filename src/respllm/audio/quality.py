"""Does a waveform carry sound, and what should a reader know about it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from respllm.audio.frontend import trim_silence
from respllm.audio.loading import SAMPLE_RATE
from respllm.errors import AudioError

MIN_SECONDS = 0.1
SILENT_RMS = 1e-4
"""-80 dBFS, about three steps of 16 bits. Recordings that carry nothing but a click at switch-on
lie below it, the quietest real breath we met (Coswara) 8 dB above. A constant offset is no sound.
"""

FULL_SCALE = 0.99
CLIPPED_FRACTION = 0.001
SHORT_SECONDS = 1.0
QUIET_PEAK = 0.01  # -40 dBFS
OFFSET = 0.01
"""A constant offset of more, and above the sound's own RMS, counts as loud: silence is not trimmed
and the sound may be clipped on one side."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be measured on a waveform.

    Attributes:
        seconds: its length.
        sound_seconds: what is left once the silence at both ends is trimmed.
        peak: largest absolute sample, full scale 1.
        rms: root mean square around the mean.
        clipped_fraction: share of samples at full scale (|x| >= 0.99).
        offset: mean.
    """

    seconds: float
    sound_seconds: float
    peak: float
    rms: float
    clipped_fraction: float
    offset: float


def measure(waveform: np.ndarray) -> Quality:
    """Measure a waveform (n,) at 16 kHz.

    Raises:
        AudioError: not a mono waveform of finite numbers.
    """
    sound = trim_silence(waveform)
    loud = np.abs(np.asarray(waveform, np.float32))
    return Quality(
        seconds=len(loud) / SAMPLE_RATE,
        sound_seconds=len(sound) / SAMPLE_RATE,
        peak=float(loud.max()),
        rms=float(np.std(waveform, dtype=np.float64)),
        clipped_fraction=float((loud >= FULL_SCALE).mean()),
        offset=float(np.mean(waveform, dtype=np.float64)),
    )


def check_usable(waveform: np.ndarray) -> Quality:
    """Refuse a waveform (n,) at 16 kHz that no answer can be based on; else return its `Quality`.

    Raises:
        AudioError: shorter than 0.1 s, silent (RMS below -80 dBFS), or not a mono waveform of
            finite numbers.
    """
    quality = measure(waveform)
    if quality.seconds < MIN_SECONDS:
        raise AudioError(
            f"The recording is too short: {quality.seconds:.3f} s",
            expected=f"at least {MIN_SECONDS} s",
            next_step="record again, or leave the recording out",
        )
    if quality.rms < SILENT_RMS:
        raise AudioError(
            f"The recording is silent: RMS {quality.rms:.1e} of full scale",
            expected=f"at least {SILENT_RMS:.0e} (-80 dBFS)",
            next_step="check the microphone and record again, or leave the recording out",
        )
    return quality


def warnings(quality: Quality) -> tuple[str, ...]:
    """What a reader should know beside a result based on this recording; () if nothing."""
    found = []
    if quality.clipped_fraction > CLIPPED_FRACTION:
        found.append(f"clipped: {quality.clipped_fraction:.1%} of the samples are at full scale")
    if quality.seconds < SHORT_SECONDS:
        found.append(f"short: {quality.seconds:.2f} s, less than {SHORT_SECONDS:g} s")
    elif quality.sound_seconds < SHORT_SECONDS:
        found.append(f"mostly silent: {quality.sound_seconds:.2f} s of {quality.seconds:.1f} s")
    if quality.peak < QUIET_PEAK:
        found.append(f"quiet: the peak is {quality.peak:.4f} of full scale")
    if abs(quality.offset) > max(OFFSET, quality.rms):
        found.append(f"offset: the mean is {quality.offset:.3f} of full scale, above the sound")
    return tuple(found)

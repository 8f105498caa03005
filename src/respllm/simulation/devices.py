"""What each dataset's devices do to a sound: frequency response, noise, level, sampling rate.

Devices are drawn independently of the person, so no device tells a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from respllm.simulation.sounds import RATE

FULL_SCALE_PEAK = 0.7


@dataclass(frozen=True, slots=True)
class Device:
    """A recording device or platform.

    Attributes:
        name: as the dataset writes it.
        sampling_rate: of the files, Hz.
        low_hz, high_hz: where the response has fallen by 3 dB.
        resonance_hz, resonance_db: centre and height of one broad bump (negative: a dip).
        noise_db: level of its noise against the recording's loudest 50 ms, dB.
        share: how often it is used in its dataset.
    """

    name: str
    sampling_rate: int
    low_hz: float
    high_hz: float
    resonance_hz: float
    resonance_db: float
    noise_db: float
    share: float = 1.0


DEVICES: dict[str, tuple[Device, ...]] = {
    "uk_covid19": (
        Device("browser", 16_000, 80, 7000, 2500, 2.0, -52, share=0.95),
        Device("browser-48k", 48_000, 80, 7000, 2500, 2.0, -52, share=0.05),
    ),
    "covid19_sounds": (
        Device("android", 16_000, 90, 7500, 3000, 2.5, -54, share=0.55),
        Device("ios", 16_000, 70, 7500, 2200, 1.5, -57, share=0.25),
        Device("web", 22_050, 60, 7800, 2600, 2.0, -50, share=0.20),
    ),
    "coswara": (
        Device("web", 16_000, 70, 7600, 3200, 3.0, -53, share=0.95),
        Device("web-48k", 48_000, 70, 7600, 3200, 3.0, -53, share=0.05),
    ),
    "icbhi": (
        Device("Litt3200", 4_000, 60, 1900, 300, 2.0, -50, share=0.45),
        Device("Meditron", 4_000, 50, 1800, 250, 1.5, -52, share=0.30),
        Device("LittC2SE", 44_100, 50, 2200, 350, 2.0, -54, share=0.15),
        Device("AKGC417L", 44_100, 40, 2400, 400, 1.0, -48, share=0.10),
    ),
    # One recording, filtered three ways: bell, diaphragm, extended.
    "kauh": (
        Device("B", 4_000, 40, 1800, 150, 3.0, -52),
        Device("D", 4_000, 80, 1900, 400, 3.0, -52),
        Device("E", 4_000, 40, 1950, 300, 1.0, -52),
    ),
}


def draw_device(dataset: str, rng: np.random.Generator) -> Device:
    """A device of the dataset, by its share."""
    devices = DEVICES[dataset]
    share = np.array([device.share for device in devices])
    return devices[int(rng.choice(len(devices), p=share / share.sum()))]


def record(waveform: np.ndarray, device: Device, rng: np.random.Generator) -> np.ndarray:
    """What the device's file holds: (m,) int16 at the device's sampling rate.

    Args:
        waveform: (n,) the sound in the air at 16 kHz.
        device: what records it.
        rng: for the device's noise and level.
    """
    n = len(waveform)
    frequency = np.maximum(scipy.fft.rfftfreq(n, 1 / RATE), 1.0)
    loudest = np.sqrt((waveform[: n // 800 * 800].reshape(-1, 800) ** 2).mean(axis=1).max())
    # Device noise falls gently with frequency (3 dB per octave), RMS `noise_db`.
    colour = np.sqrt(100 / np.maximum(frequency, 100))
    colour /= np.sqrt((colour**2).mean())
    noise = rng.standard_normal(len(frequency)) + 1j * rng.standard_normal(len(frequency))
    noise *= colour * loudest * 10 ** (device.noise_db / 20) * np.sqrt(n / 2)
    spectrum = (scipy.fft.rfft(waveform) + noise) * _response(device, frequency)
    # Cutting or zero-padding the spectrum resamples without another filter.
    m = round(n * device.sampling_rate / RATE)
    keep = min(m // 2, len(spectrum))
    resampled = np.zeros(m // 2 + 1, dtype=complex)
    resampled[:keep] = spectrum[:keep]
    samples = scipy.fft.irfft(resampled, m)
    samples *= rng.uniform(0.4, 1.0) * FULL_SCALE_PEAK / np.abs(samples).max()
    return np.round(samples * 32767).astype(np.int16)


def _response(device: Device, frequency: np.ndarray) -> np.ndarray:
    """Amplitude gain at each frequency: high-pass, low-pass, one bump an octave wide."""
    high_pass = 1 / np.sqrt(1 + (device.low_hz / frequency) ** 4)
    low_pass = 1 / np.sqrt(1 + (frequency / device.high_hz) ** 8)
    octaves = np.log2(frequency / device.resonance_hz)
    return high_pass * low_pass * 10 ** (device.resonance_db * np.exp(-(octaves**2)) / 20)

"""From an audio file to audio tokens: what each part costs, and how close to the hardware it is.

    python benchmarks/encoder.py [--quick] [--json]

The network is OPERA-CT's with random weights, which is as fast as the real one. "plain" gives all
16 clips to `ClapAudioModel` at once, in float32. Rounds alternate, so a busy machine slows all.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import ClapAudioModel

from respllm.audio import load_audio, log_mel
from respllm.audio.frontend import WINDOW_SECONDS
from respllm.benchmarks.timing import alternating, matmul_peak
from respllm.benchmarks.workload import RandomOperaCT
from respllm.encoders.opera_ct import raster
from respllm.types import Precision

CLIPS = 16
DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
FILES = {
    "wav, 16 kHz": ("wav", 16_000, "PCM_16"),
    "wav, 44.1 kHz": ("wav", 44_100, "PCM_16"),
    "flac, 48 kHz": ("flac", 48_000, "PCM_16"),
    "ogg/opus, 48 kHz": ("ogg", 48_000, "OPUS"),
}


def rounds_of(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, in alternation."""
    ways = {name: lambda _, one=one: one() for name, one in work.items()}
    return {name: median(found) for name, found in alternating(ways, rounds).items()}


def files_and_mels(rounds: int) -> dict[str, float]:
    """Milliseconds a clip, on one core."""
    noise = np.random.default_rng(0).standard_normal(48_000 * 9).astype(np.float32) / 10
    with tempfile.TemporaryDirectory() as folder:
        work: dict[str, Callable[[], object]] = {}
        for name, (ending, rate, subtype) in FILES.items():
            path = Path(folder) / f"{rate}.{ending}"
            soundfile.write(path, noise[: round(WINDOW_SECONDS * rate)], rate, subtype=subtype)
            work[f"decode {name}"] = lambda path=path: load_audio(path)
        waveform = load_audio(Path(folder) / "16000.wav")
        work["log-mel"] = lambda: log_mel(waveform)
        found = rounds_of(work, 5 * rounds)
    return {name: round(1000 * value, 2) for name, value in found.items()}


def gflop_of_a_clip(network: ClapAudioModel, mel: torch.Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        network(mel[:1, None])
    return counter.get_total_flops() / 1e9


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@torch.no_grad()
def measure(rounds: int) -> dict[str, object]:
    bf16 = bool(torch.cpu._is_avx512_bf16_supported())
    precisions: tuple[Precision, ...] = ("float32", "bfloat16") if bf16 else ("float32",)
    mel = torch.rand(CLIPS, 256, 64, generator=torch.Generator().manual_seed(0))
    encoders = {precision: RandomOperaCT(precision) for precision in precisions}
    network = encoders["float32"].network
    work: dict[str, Callable[[], object]] = {"plain": lambda: network(mel[:, None])}
    for precision, encoder in encoders.items():
        work[precision] = lambda encoder=encoder: encoder.tokens(mel)
        work[f"{precision}, one clip"] = lambda encoder=encoder: encoder.tokens(mel[:1])
    found = rounds_of(work, rounds)
    gflop = gflop_of_a_clip(network, mel)
    peaks = {precision: matmul_peak(DTYPES[precision]) / 1e9 for precision in precisions}
    together = {"plain": "float32", **{precision: precision for precision in precisions}}
    reached = {name: CLIPS * gflop / found[name] for name in together}
    exact = encoders["float32"].tokens(mel)
    plain = raster(network(mel[:, None]).last_hidden_state)
    errors = {"float32 against plain": error(exact, plain)}
    if bf16:
        errors["bfloat16 against float32"] = error(encoders["bfloat16"].tokens(mel), exact)
    return {
        "files, ms a clip": files_and_mels(rounds),
        f"encoder, s for {CLIPS} clips (or one)": {n: round(v, 3) for n, v in found.items()},
        "times the plain way": {
            name: round(found["plain"] / found[name], 2) for name in together if name != "plain"
        },
        "GFLOP a clip": round(gflop, 2),
        "matrix peak, GFLOP/s": {name: round(value) for name, value in peaks.items()},
        "reached, GFLOP/s": {name: round(value) for name, value in reached.items()},
        "share of the peak": {
            name: round(reached[name] / peaks[precision], 2) for name, precision in together.items()
        },
        "relative error of tokens": errors,
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two rounds instead of eight")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(2 if options.quick else 8)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name}:")
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for key, number in rows:
            print(f"  {key:24} {number}")


if __name__ == "__main__":
    main()

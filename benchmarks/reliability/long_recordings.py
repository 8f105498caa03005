"""Recordings of many hours in every kind of file: refused, and at what cost?

    python -m benchmarks.reliability.long_recordings [--hours 12] [--rate 8000] [--only KIND ...]

Each file is silence, so that it is small and cheap to make. It is loaded in a process of its own;
the memory is the most that this process held more than before. Exits with 1 if a file longer than
an hour is read, or fails in another way than by an `AudioError`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from respllm.audio import load_audio
from respllm.errors import AudioError

KINDS = {
    "wav": ("wav", "pcm_u8", "u8"),
    "flac": ("flac", "flac", "s16"),
    "mp3": ("mp3", "libmp3lame", "s16p"),
    "ogg": ("ogg", "libopus", "flt"),
    "m4a": ("mp4", "aac", "fltp"),
    "webm": ("webm", "libopus", "flt"),
}
"""Container and codec of FFmpeg, and its format of samples."""
SILENCE_OF_BYTES = 128


def write_silence(path: Path, kind: str, hours: float, rate: int) -> None:
    """Write mono silence at a low bit rate."""
    container, codec, samples = KINDS[kind]
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        if codec not in ("pcm_u8", "flac"):
            stream.bit_rate = 8000
        left, at = round(hours * 3600 * rate), 0
        size = stream.codec_context.frame_size or 1 << 14
        value = SILENCE_OF_BYTES if samples == "u8" else 0
        kinds = {"u8": np.uint8, "s16": np.int16, "s16p": np.int16}
        block = np.full((1, size), value, kinds.get(samples, np.float32))
        while left > 0:
            frame = av.AudioFrame.from_ndarray(block[:, : min(size, left)], samples, "mono")
            frame.sample_rate, frame.pts = rate, at
            out.mux(stream.encode(frame))
            at, left = at + frame.samples, left - frame.samples
        out.mux(stream.encode(None))


def loaded(path: Path, pipe: Connection) -> None:
    """Worker: load a file; say what came of it, the seconds, and the MiB beside what was held."""
    load_audio(_short(path))  # libraries are loaded before memory is counted
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    try:
        said = f"read, {len(load_audio(path)) / 16_000:.0f} s"
    except AudioError as error:
        said = f"refused: {error.what}"
    except BaseException as error:  # the finding this program is for
        said = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - begun
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    pipe.send((said, seconds, more / 1024))


def _short(path: Path) -> Path:
    kind = path.suffix[1:]
    short = path.with_name(f"short.{kind}")
    write_silence(short, kind, 1 / 3600, 8000 if kind != "flac" else 16_000)
    return short


def measured(path: Path) -> tuple[str, float, float]:
    """What came of loading a file, its seconds and its MiB; from a process of its own."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=loaded, args=(path, theirs))
    process.start()
    theirs.close()
    try:
        return pipe.recv()
    except EOFError:
        return "crashed", 0.0, 0.0
    finally:
        process.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=12.0)
    parser.add_argument("--rate", type=int, default=8000)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    options = parser.parse_args()
    wrong = 0
    print("| kind | MB | result | seconds | MiB |\n| --- | --- | --- | --- | --- |")
    with TemporaryDirectory(prefix="respllm-hours-") as folder:
        for kind in options.only:
            path = Path(folder) / f"long.{kind}"
            write_silence(path, kind, options.hours, options.rate)
            said, seconds, more = measured(path)
            size = path.stat().st_size / 1e6
            path.unlink()
            wrong += not said.startswith("refused" if options.hours > 1 else "read")
            print(f"| {kind} | {size:.1f} | {said} | {seconds:.1f} | {more:.0f} |", flush=True)
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()

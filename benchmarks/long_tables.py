"""Does a record cost the same in a table of 100,000 as in one of 1,000, and is memory bounded?

    python benchmarks/long_tables.py [--quick] [--json]

A table of 1,000, of 10,000 and of 100,000 recordings (--quick: 200 and 2,000), each in a process
of its own. The recordings are 200 sounds under ever other names (linked folders), of other people.
The token cache is simulated: every clip has an entry of its own, 16 wide instead of 768, so that
100,000 of them fit anywhere (about 1 GiB in a temporary folder). For each step, microseconds a
record, and the peak of main memory above what was held before it:

- read table: checked, and read row by row, as `respllm predict TABLE` does
- predict table: `respllm predict TABLE --out` with nano, from sound; up to 10,000 records
- index, new and known: facts about the recordings, looked up for the first and the second time
- find tokens: `hear`, every clip's tokens cached
- read tokens: in random order, 32 at once, as in training
- predict from tokens: nano on all of them, as in `respllm evaluate`

Only the last four hold a list of all records; a streamed table leaves about 0.4 KB of each.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
import torch

from respllm.audio import AudioFacts, AudioIndex
from respllm.batching import ExampleSet, TextTokenizer, hear
from respllm.config import ModelConfig
from respllm.datasets.table_source import TableSource
from respllm.datasets.table_stream import TableStream, stream_table
from respllm.encoders import TOKENS_FOLDER, AudioEncoder, TokenCache, TokenKey, load_encoder
from respllm.inference import Predictor, Request
from respllm.inference.prediction_file import write_predictions
from respllm.models import Checkpoint, CheckpointConfig, assemble, load_llm, predict_logits
from respllm.prompts import dms_text
from respllm.types import Clip, Example, Prediction

Result = TypeVar("Result")

SOUNDS = 200
HEARD_AT_MOST = 10_000
WIDTH = 16
SOURCE = TableSource(table=Path("table.csv"), label_column=None)
QUESTION = {"condition": "pneumonia", "sound": "lung sounds"}
SYMPTOMS = ("cough", "fever", "sore throat", "shortness of breath", "")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one step over all records: microseconds each, and peak MiB above the start."""

    microseconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Row:
    """One step for every size of table; None where it was not taken."""

    step: str
    costs: list[Cost | None]
    ratio: float

    @classmethod
    def of(cls, step: str, costs: list[Cost | None]) -> Row:
        taken = [cost.microseconds for cost in costs if cost is not None]
        return cls(step, costs, round(taken[-1] / taken[0], 2))


class Narrow(AudioEncoder):
    """An encoder whose tokens are all in the cache."""

    name, identity, width = "narrow", "narrow-1", WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.freeze()

    def _encode(self, mel: torch.Tensor) -> torch.Tensor:
        raise AssertionError("every clip has an entry")


def write_sounds(folder: Path) -> None:
    folder.mkdir()
    for number in range(SOUNDS):
        noise = 0.1 * np.random.default_rng(number).standard_normal(8_000)
        soundfile.write(folder / f"{number:03d}.wav", noise, 16_000)


def write_table(folder: Path, records: int) -> None:
    """People of many ages and complaints; each folder of sounds is the same one."""
    draw = random.Random(0)
    with (folder / SOURCE.table).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["audio", "age", "gender", "symptoms", "recording_location"])
        for number in range(records):
            site = folder / f"site-{number // SOUNDS:04d}"
            if number % SOUNDS == 0:
                site.symlink_to(folder.parent / "sounds")
            person = (draw.randrange(18, 90), draw.choice("FM"), draw.choice(SYMPTOMS))
            writer.writerow([f"{site.name}/{number % SOUNDS:03d}.wav", *person, "left chest"])


def make_model(encoder: AudioEncoder) -> Checkpoint:
    config = ModelConfig(llm="nano")
    llm = load_llm(config, 0)
    settings = CheckpointConfig(
        model=config,
        base_identity="",
        encoder_name=encoder.name,
        encoder_identity=encoder.identity,
        audio_width=encoder.width,
        protocol="clean",
        seed=0,
        tasks=(),
        datasets=(),
        agreement_only=(),
        simulated=False,
    )
    model = assemble(llm.model, config, encoder.width, 0).eval()
    return Checkpoint(model, TextTokenizer(llm.tokenizer), settings)


def resident_mib(peak: bool) -> float:
    name = "VmHWM" if peak else "VmRSS"
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("Linux only")


def measured(records: int, work: Callable[[], Result], again: bool = True) -> tuple[Cost, Result]:
    """The fastest of three rounds where they are short and can be repeated."""
    rounds = 3 if again and records <= HEARD_AT_MOST else 1
    seconds, peaks = [], []
    for _ in range(rounds):
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
        before = resident_mib(peak=False)
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
        peaks.append(resident_mib(peak=True) - before)
    return Cost(round(1e6 * min(seconds) / records, 1), round(max(peaks), 1)), result


def measure(folder: Path, records: int) -> dict[str, Cost]:
    write_table(folder, records)
    # Streaming first: lists that were freed would leave memory behind to grow into.
    return measure_streaming(folder, records) | measure_kept(folder, records)


def measure_streaming(folder: Path, records: int) -> dict[str, Cost]:
    encoder = load_encoder("mel-patch")
    predictor = Predictor(make_model(encoder), encoder)
    question = predictor.question(**QUESTION)

    def open_table() -> TableStream:
        return stream_table(SOURCE, dataset="own", base=folder)

    def read() -> int:
        return sum(1 for _ in open_table().rows())

    def predict() -> int:
        found = (row.record for row in open_table().rows())
        requests = (Request(r.audio_path, r.dms, r.record_id, r.subject_id) for r in found)
        answers = predictor.predict_many(requests, question)
        told = (answer for answer in answers if isinstance(answer, Prediction))
        return write_predictions(folder / "answers.csv", told)

    costs = {"read table": measured(records, read)[0]}
    if records <= HEARD_AT_MOST:
        warm = (Request(folder.parent / "sounds" / f"{n:03d}.wav") for n in range(SOUNDS))
        assert len(list(predictor.predict_many(warm, question))) == SOUNDS
        costs["predict table"], count = measured(records, predict, again=False)
        assert count == records
    return costs


def measure_kept(folder: Path, records: int) -> dict[str, Cost]:
    encoder = Narrow()
    model = make_model(encoder)
    question = Predictor(model, encoder).question(**QUESTION)
    found = [row.record for row in stream_table(SOURCE, dataset="own", base=folder).rows()]
    paths = [record.audio_path for record in found]
    index = AudioIndex(folder)
    costs: dict[str, Cost] = {}
    costs["index, new"], _ = measured(records, lambda: index.facts_of(paths), again=False)
    costs["index, known"], facts = measured(records, lambda: index.facts_of(paths))

    # A beginning of its own gives each clip an entry of its own, though sounds repeat.
    clips = [Clip(record, i * 1e-6) for i, record in enumerate(found)]
    fill(TokenCache(folder / TOKENS_FOLDER), encoder, clips, facts)
    examples = [Example("own", c, question.prompt, dms_text(c.record.dms), None) for c in clips]
    costs["find tokens"], heard = measured(
        records, lambda: hear(examples, encoder, cache_dir=folder)
    )
    assert len(heard.examples) == records
    order = np.random.default_rng(0).permutation(records).tolist()

    def read_tokens() -> None:
        for first in range(0, records, 32):
            heard.tokens(order[first : first + 32])

    def answer() -> np.ndarray:
        return predict_logits(
            model.model, ExampleSet(heard.examples, heard.tokens, model.tokenizer)
        )

    costs["read tokens"], _ = measured(records, read_tokens)
    costs["predict from tokens"], logits = measured(records, answer, again=False)
    assert np.isfinite(logits).all()
    return costs


def fill(
    cache: TokenCache, encoder: AudioEncoder, clips: list[Clip], facts: dict[Path, AudioFacts]
) -> None:
    noise = np.random.default_rng(0)
    for clip in clips:
        sha256 = facts[clip.record.audio_path].sha256
        assert sha256 is not None
        key = TokenKey(encoder.identity, sha256, clip.start, clip.stop, clip.window)
        cache.write(key, noise.standard_normal((64, WIDTH), np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 and 2,000 records")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = (200, 2_000) if options.quick else (1_000, 10_000, 100_000)
    with tempfile.TemporaryDirectory(prefix="respllm-long-") as place:
        write_sounds(Path(place) / "sounds")
        found = [measure_in_a_process(Path(place), size) for size in sizes]
    rows = [Row.of(step, [costs.get(step) for costs in found]) for step in found[0]]
    if options.json:
        print(json.dumps({"records": sizes, "steps": [asdict(row) for row in rows]}, indent=2))
        return
    head = "".join(f"{size:>18,}" for size in sizes)
    print(f"{'microseconds a record (peak MiB)':32}{head}{'last : first':>16}")
    for row in rows:
        cells = "".join(
            f"{f'{cost.microseconds:.0f} ({cost.peak_mib:.0f})' if cost else '-':>18}"
            for cost in row.costs
        )
        print(f"{row.step:32}{cells}{row.ratio:>16.2f}")


def measure_in_a_process(place: Path, size: int) -> dict[str, Cost]:
    folder = place / f"records-{size}"
    folder.mkdir()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        costs = pool.submit(measure, folder, size).result()
    shutil.rmtree(folder)
    return costs


if __name__ == "__main__":
    main()

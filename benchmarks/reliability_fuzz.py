"""Files that are damaged, forged or hostile: a typed error or a valid result, and nothing else?

    python benchmarks/reliability_fuzz.py [--cases 20000] [--seed 0] [--only KIND ...] [--keep DIR]

Valid files of each kind are mutated: bits, bytes, blocks, numbers at their limits, words that have
a meaning in the format, pieces of other files. A mutant that runs lines of respllm that none before
it did, or fails in a new way, is kept and mutated further. Each case runs in a worker process that
may take 1.5 GiB beside what it holds at the start, and 20 s; a worker that dies or hangs is a
finding, and the next case gets a new one. A finding is

- an exception other than `RespllmError`, a crash, a hang, or too much memory;
- an error of more than 4,000 characters;
- a result that is not valid: a waveform or log-mel out of range, a table row with control
  characters or an impossible label, settings that do not survive being written out, a prompt with
  two beginnings;
- a checkpoint or training state that differs from what was saved, unless its checksums were
  forged as well ("forged": what a stranger could send; half of those cases).

`--keep` writes the input of each finding into a folder. Exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import multiprocessing
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

CASE_SECONDS = 20.0
START_SECONDS = 300.0
MEMORY = 3 << 29
MAX_MESSAGE = 4000
SHARES = {"audio": 35, "table": 30, "task": 10, "run": 5, "checkpoint": 12, "state": 8}

BINARY = [b"\0", b"\xff", b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"RIFF"]
BINARY += [b"data", b"fmt ", b"OggS", b"fLaC", b"LIST", b"moov", b"\0\0\xc0\x7f", b"\0\0\x80\x7f"]
TEXT = [b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\xed\xa0\x80", b"\0", b"\r", b"\n\n"]
TEXT += [b'"', b"'", b",", b";", b"|", b"-0", b"1e999", b"nan", b"inf", b"-1", b"NaN", b"Infinity"]
TEXT += [
    b"9" * 30,
    b"9" * 5000,
    b"0." + b"9" * 99,
    b"[" * 3000,
    b"a" * 5000,
    b"../" * 50,
    b"a.wav",
    b'"\\ud800"',
    b"{",
]
TEXT += [b"<s>", b"<|end|>", b"[INST]", b"{disease}", b"%s", b"\\N{BULLET}", b"1,2,3,4", b"null"]
YAML = [
    b"&a ",
    b"*a",
    b"<<: ",
    b"? ",
    b"!!timestamp ",
    b"!!int ",
    b"!!bool ",
    b"!!binary ",
    b"2024-99-99",
]
YAML += [
    b"!!python/object:os.system ",
    b": |\n ",
    b"&a [*a]",
    b"{<<: [*a, *a]}",
    b"1: 2\n",
    b"~",
    b"- ",
]
YAML += [b'"\\0"', b'"\\uD800"', b"a.b: 1\n", b"---\n", b"...\n", b"%YAML 9.9\n", b"1:1:1", b"0x"]
YAML += [b"2024-99-99", b"!!timestamp x", b"!!int x", b"!!bool x", b"&a {<<: *a}"]
WORDS = {"audio": BINARY, "table": BINARY + TEXT, "task": TEXT + YAML, "run": TEXT + YAML}
WORDS |= {"checkpoint": BINARY + TEXT, "state": BINARY}


# --- the mutator ---------------------------------------------------------------------------------


def mutated(content: bytes, other: bytes, words: list[bytes], rng: random.Random) -> bytes:
    """One to four changes of `content`; `other` is a file that pieces are taken from."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = (
            rng.randrange(len(data) + 1)
            if rng.random() < 0.6
            else rng.randrange(65) % (len(data) + 1)
        )
        length = min(1 << rng.randrange(8), len(data) - at)
        choice = rng.randrange(14)
        if choice == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif choice == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif choice == 2:
            del data[at : at + length]
        elif choice == 3:
            data[at:at] = data[at : at + length] * rng.choice((1, 2, 50))
        elif choice == 4 and rng.random() < 0.3:
            del data[at:]
        elif choice in (5, 6):
            word = rng.choice(words)
            data[at : at + rng.choice((0, len(word)))] = word
        elif choice == 7:
            size = rng.choice((2, 4, 8))
            number = rng.choice((0, 1, 255, 1 << 15, (1 << 31) - 1, 1 << 31, (1 << 63) - 1, -1))
            number = (number + rng.randrange(-2, 3)) % (1 << 8 * size)
            data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
        elif choice == 8 and other:
            begin = rng.randrange(len(other))
            data[at : at + length] = other[begin : begin + rng.randrange(1, 129)]
        elif choice == 9:
            data[at : at + length] = bytes(rng.randrange(256) for _ in range(length))
        elif choice == 10:
            lines = bytes(data).split(b"\n")
            rng.shuffle(lines) if rng.random() < 0.2 else lines.insert(0, rng.choice(lines))
            data = bytearray(b"\n".join(lines))
        elif choice > 10:  # a whole value of a text format
            marks = [match.span() for match in re.finditer(rb'[:,;|\[{\n\t"]+ ?', bytes(data))]
            if len(marks) > 1:
                which = rng.randrange(len(marks) - 1)
                data[marks[which][1] : marks[which + 1][0]] = rng.choice(words)
    return bytes(data[: 1 << 18])


# --- what is fuzzed: in the worker ----------------------------------------------------------------


class InvalidError(Exception):
    """A result that should have been an error."""


def check(holds: object, what: str) -> None:
    if not holds:
        raise InvalidError(what)


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


class Table:
    """`read_table` in its five formats."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("a.wav", "b.wav", "c.wav"):
            (folder / name).write_bytes(name.encode())

    def seeds(self) -> dict[str, bytes]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = "audio person label gender age symptoms medical_history split start stop site"
        rows = [
            dict(zip(names.split(), line.split("/"), strict=True))
            for line in (
                "a.wav/p1/1/f/63/cough; fever/asthma/train/0/1.5/x",
                "b.wav/p2/no/Man/45-64/none//test/0.5//Zürich",
                "c.wav/p3///<18/dry cough|cold/copd, asthma/val///",
            )
        ]
        typed = [row | {"age": 63.0, "symptoms": ["cough", "fever"], "label": 1} for row in rows]
        parquet = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(typed), parquet)
        plain = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), plain, compression="gzip", use_dictionary=False)
        lines = [list(rows[0]), *(row.values() for row in rows)]
        quoted = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
        return {
            "rows.csv": quoted.encode(),
            "rows.tsv": "\n".join("\t".join(line) for line in lines).encode(),
            "rows.json": json.dumps(typed).encode(),
            "rows.jsonl": "\n".join(map(json.dumps, typed)).encode(),
            "rows.parquet": parquet.getvalue(),
            "plain.parquet": plain.getvalue(),
        }

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        from respllm.datasets.table import TableSource, read_table
        from respllm.prompts import dms_text

        path = self.folder / name
        path.write_bytes(content)
        source = TableSource(
            table=Path(name), subject_column="person", split_column="split" if forged else None
        )
        contents = read_table(
            source, dataset="own", sound_type="cough", label="ill", base=self.folder
        )
        for row in contents.rows:
            check(row.label in (0, 1, None), "label")
            check(0 <= row.start < (math.inf if row.stop is None else row.stop), "stretch")
            dms = row.record.dms
            check(isinstance(dms.age, str | None) or 0 <= dms.age <= 130, "age")
            for text in (row.record.record_id, row.record.subject_id, dms_text(dms)):
                check(
                    not any(unicodedata.category(c)[0] == "C" for c in text), "control characters"
                )


class Settings:
    """Task and run files."""

    def __init__(self, folder: Path, kind: str) -> None:
        from respllm.batching import TextTokenizer
        from respllm.models.nano import nano_tokenizer

        self.path = folder / f"{kind}.yaml"
        self.kind = kind
        self.words = TextTokenizer(nano_tokenizer())

    def seeds(self) -> dict[str, bytes]:
        own = b"""id: mine
dataset_description: our clinic's recordings
question: whether the person has asthma
sound: lung sounds
word_for_1: asthma
word_for_0: healthy
role: source
condition: asthma
table:
  table: people.csv
  audio_root: sounds
  subject_column: person
  positive: [ill, 1]
  negative: well
  where: {site: A, day: 3}
  columns: {gender: sex, age: null}
"""
        known = (
            own[: own.index(b"table:")] + b"dataset: {name: icbhi, sound_type: lung, label: copd}\n"
        )
        run = b"""name: run
protocol: clean
tasks: {train: [S7, S1], test: [T5], learn: [S1]}
encoder: {name: opera-ct, checkpoint: w.ckpt}
model: {llm: nano, lora: {r: 8, alpha: 16.0}, head: attention, dtype: bfloat16}
training: &all {epochs: 3, batch_size: 16, micro_batch_size: 4, learning_rate: 1.0e-4}
baselines: {text: bert, training: *all}
limit_subjects: 20
seed: 7
"""
        return {"own": own, "known": known} if self.kind == "task" else {"run": run}

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        from respllm.config import RunConfig, parse, read_yaml
        from respllm.prompts import task_prompt
        from respllm.tasks import get_task

        self.path.write_bytes(content)
        if self.kind == "run":
            run = read_yaml(self.path, RunConfig)
            check(
                parse(run.model_dump(), RunConfig, "again") == run, "the run file does not survive"
            )
            return
        task = get_task(self.path)
        again = parse(task.model_dump(), type(task), "again").located(task.folder)
        check(again == task or ".nan" in content.decode(), "the task does not survive")
        ids = self.words.prompt_ids(task_prompt(task))
        check(not set(self.words.tokenizer.all_special_ids) & set(ids[1:]), "two beginnings")


class Folder:
    """A nano checkpoint: its configuration, tokenizer and weights."""

    def __init__(self, folder: Path) -> None:
        from respllm.batching import TextTokenizer
        from respllm.config import LoraSettings, ModelConfig
        from respllm.models import Checkpoint, CheckpointConfig, KnownTask, assemble, load_llm
        from respllm.tasks import get_task

        config = ModelConfig(llm="nano", head="attention", lora=LoraSettings(r=4))
        loaded = load_llm(config, seed=3)
        told = CheckpointConfig(
            model=config,
            base_identity="",
            encoder_name="mel-patch",
            encoder_identity="mel-patch-test",
            audio_width=24,
            protocol="clean",
            seed=3,
            tasks=(KnownTask.of(get_task("S7"), 0.25, 0.5), KnownTask.of(get_task("T5"))),
            datasets=("icbhi",),
            agreement_only=(),
            simulated=False,
        )
        self.folder = folder / "model"
        model = assemble(loaded.model, config, 24, seed=3).eval()
        Checkpoint(model, TextTokenizer(loaded.tokenizer), told).save_pretrained(self.folder)
        self.whole = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.known = Checkpoint.from_pretrained(self.folder)

    def seeds(self) -> dict[str, bytes]:
        return {name: content for name, content in self.whole.items() if name != "README.md"}

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        import torch

        from respllm.models import Checkpoint, trained_state

        for other, whole in self.whole.items():
            (self.folder / other).write_bytes(content if other == name else whole)
        if forged:
            self._vouch(name, content)
        found = Checkpoint.from_pretrained(self.folder)
        if forged:
            check(len(found.tokenizer.dms_ids("Age: 65.")) > 0, "a tokenizer without tokens")
            return
        check(found.config == self.known.config, "another configuration")
        now, before = trained_state(found.model), trained_state(self.known.model)
        check(all(torch.equal(now[key], value) for key, value in before.items()), "other weights")
        text = "Gender: Male. Age: 65. Symptoms: dry cough."
        check(found.tokenizer.dms_ids(text) == self.known.tokenizer.dms_ids(text), "other tokens")

    def _vouch(self, name: str, content: bytes) -> None:
        """Let the configuration vouch for what was changed, as a stranger's would."""
        path = self.folder / "config.json"
        try:
            config = json.loads(path.read_bytes())
            if name == "model.safetensors":
                config["weights_sha256"] = hashlib.sha256(content).hexdigest()
            elif name != "config.json":
                config["tokenizer_sha256"][name] = hashlib.sha256(content).hexdigest()
            config["config_sha256"] = ""
            path.write_text(json.dumps(config))
        except (ValueError, TypeError, KeyError, RecursionError):
            pass  # no configuration any more


class State:
    """What a killed training goes on from."""

    def __init__(self, folder: Path) -> None:
        import torch

        from respllm.training.state import Progress, load_state, save_state

        self.path = folder / "last.pt"
        weight = torch.nn.Parameter(torch.arange(64.0))
        optimizer = torch.optim.AdamW([weight])
        weight.sum().backward()
        optimizer.step()
        progress = Progress(step=7, best=0.75, best_step=5, waited=1, aurocs={"S7": 0.75})
        save_state(self.path, progress, {"w": weight.detach()}, optimizer.state_dict())
        self.whole = self.path.read_bytes()
        self.known = load_state(self.path)

    def seeds(self) -> dict[str, bytes]:
        return {"last.pt": self.whole}

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        from respllm.training.state import load_state

        if forged:
            content = content[:-32] + hashlib.sha256(content[:-32]).digest()
        self.path.write_bytes(content)
        found = load_state(self.path)
        check(forged or repr(found) == repr(self.known), "another state")


def targets(folder: Path, kinds: list[str]) -> dict[str, Any]:
    made: dict[str, Callable[[Path], Any]] = {
        "audio": Audio,
        "table": Table,
        "task": lambda folder: Settings(folder, "task"),
        "run": lambda folder: Settings(folder, "run"),
        "checkpoint": Folder,
        "state": State,
    }
    return {kind: made[kind](folder) for kind in kinds}


def serve(pipe: Connection, kinds: list[str], place: str) -> None:
    """Worker: say what the seeds are, then run cases until the pipe closes."""
    from respllm.errors import RespllmError

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders complain of each damaged frame
    folder = Path(place)
    made = targets(folder, kinds)
    seeds = {kind: target.seeds() for kind, target in made.items()}
    root = f"{os.sep}respllm{os.sep}"
    lines: set[tuple[str, int]] = set()

    def on_call(frame: FrameType, event: str, argument: object) -> Any:
        return on_line if root in frame.f_code.co_filename else None

    def on_line(frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return on_line

    def attempt(kind: str, name: str, content: bytes, forged: bool) -> tuple[str, str]:
        sys.settrace(on_call)
        try:
            made[kind](name, content, forged)
        except RespllmError as error:
            said = str(error)
            if len(said) > MAX_MESSAGE:
                return (
                    "message",
                    f"{type(error).__name__} of {len(said)} characters: {said[:300]!r}",
                )
            return "typed", f"{type(error).__name__}: {error.what[:12]}"
        except InvalidError as error:
            return "invalid", str(error)
        except MemoryError:
            return "memory", traceback.format_exc()[-1500:]
        except BaseException as error:  # the finding this program is for
            sys.settrace(None)
            return f"exception {type(error).__name__}", traceback.format_exc()[-1500:]
        finally:
            sys.settrace(None)
        return "valid", ""

    for kind, files in seeds.items():  # libraries are loaded before memory is counted
        for name, content in files.items():
            attempt(kind, name, content, False)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    pipe.send(seeds)
    while True:
        try:
            case = pipe.recv()
        except EOFError:
            return
        lines.clear()
        outcome, detail = attempt(*case)
        pipe.send((outcome, detail, frozenset(lines)))


# --- the parent ----------------------------------------------------------------------------------


@dataclass
class Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str, str]] = field(default_factory=list)
    kept: int = 0
    lines: int = 0
    slowest: float = 0.0


class Worker:
    def __init__(self, kinds: list[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self.folder = tempfile.mkdtemp(prefix="respllm-fuzz-")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, kinds, self.folder), daemon=True)
        self.process.start()
        theirs.close()
        if not self.pipe.poll(START_SECONDS):
            raise RuntimeError("the worker did not start")
        self.seeds: dict[str, dict[str, bytes]] = self.pipe.recv()

    def run(self, case: tuple[str, str, bytes, bool]) -> tuple[str, str, frozenset[Any]]:
        """Outcome, detail, lines; "crash" or "hang" leave no worker."""
        try:
            self.pipe.send(case)
            if not self.pipe.poll(CASE_SECONDS):
                return "hang", f"more than {CASE_SECONDS:g} s", frozenset()
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            return "crash", f"exit code {self.process.exitcode}", frozenset()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def fuzz(
    cases: int, seed: int, kinds: list[str], keep: Path | None
) -> tuple[dict[str, Tally], dict[str, int]]:
    """Run the cases; a tally and the number of seeds for each kind."""
    rng = random.Random(seed)
    worker = Worker(kinds)
    corpus = {k: [(n, c) for n, c in files.items()] for k, files in worker.seeds.items()}
    starts = {kind: len(files) for kind, files in corpus.items()}
    tallies = {kind: Tally() for kind in kinds}
    seen: dict[str, set[Any]] = {kind: set() for kind in kinds}
    ways: dict[str, set[Any]] = {kind: set() for kind in kinds}
    share = sum(SHARES[kind] for kind in kinds)
    try:
        for kind in kinds:
            for number in range(round(cases * SHARES[kind] / share)):
                tally = tallies[kind]
                # Half of the cases start from a seed file, so that rare finds do not crowd it out.
                pool = corpus[kind][: starts[kind]] if rng.random() < 0.5 else corpus[kind]
                name, content = rng.choice(pool)
                other = rng.choice(corpus[kind])[1]
                # A mutant can be as it was before; it is run all the same.
                mutant = mutated(content, other, WORDS[kind], rng)
                begun = time.monotonic()
                forged = rng.random() < 0.5
                outcome, detail, lines = worker.run((kind, name, mutant, forged))
                tally.slowest = max(tally.slowest, time.monotonic() - begun)
                tally.outcomes[outcome] += 1
                way = (outcome, detail[:40])
                if lines - seen[kind] or (outcome == "typed" and way not in ways[kind]):
                    seen[kind] |= lines
                    ways[kind].add(way)
                    corpus[kind].append((name, mutant))
                    tally.kept += 1
                if outcome not in ("valid", "typed"):
                    tally.findings.append((outcome, f"{kind} {name} forged={forged}", detail))
                    if keep is not None:
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / f"{kind}-{number}-{name}").write_bytes(mutant)
                if outcome in ("crash", "hang"):
                    worker.stop()
                    worker = Worker(kinds)
            tallies[kind].lines = len(seen[kind])
    finally:
        worker.stop()
    return tallies, starts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=SHARES, default=list(SHARES), metavar="KIND")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    begun = time.monotonic()
    tallies, starts = fuzz(options.cases, options.seed, options.only, options.keep)
    print("| kind | seeds | cases | valid | typed error | findings | kept | lines | slowest, s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    total = findings = 0
    for kind, tally in tallies.items():
        count = sum(tally.outcomes.values())
        total += count
        findings += len(tally.findings)
        print(
            f"| {kind} | {starts[kind]} | {count} | {tally.outcomes['valid']} "
            f"| {tally.outcomes['typed']} | {len(tally.findings)} | {tally.kept} | {tally.lines} "
            f"| {tally.slowest:.1f} |"
        )
    told: Counter[tuple[str, str]] = Counter()
    for tally in tallies.values():
        for outcome, where, detail in tally.findings:
            way = (outcome, detail[-200:])
            told[way] += 1
            if told[way] == 1:
                print(f"\n{outcome} in {where}:\n{detail}")
    seconds = time.monotonic() - begun
    print(f"\n{total} cases, {findings} findings, seed {options.seed}, {seconds:.0f} s")
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()

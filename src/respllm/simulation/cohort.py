"""Write a simulated cohort of all five datasets, with its truth."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from respllm.errors import ConfigError, DataError
from respllm.simulation.ceilings import EVIDENCE, all_ceilings
from respllm.simulation.devices import record
from respllm.simulation.layouts import LAYOUTS, Layout, PlannedRecording, Sample, WrittenFile
from respllm.simulation.marker import write_marker
from respllm.simulation.posterior import posterior
from respllm.simulation.questions import QUESTIONS
from respllm.simulation.sampling import draw_sample
from respllm.simulation.signs import draw_signs
from respllm.simulation.sounds import MEAN_SECONDS, synthesise

if TYPE_CHECKING:
    import pandas as pd

TRUTH, CEILINGS = "truth.csv", "best_reachable.json"

DEFAULT_SUBJECTS = 2000
# Shares of the subjects. Most go where the model learns; two sounds per subject in the first two,
# four in Coswara, three files in KAUH.
SHARES = {
    "uk_covid19": 0.25,
    "covid19_sounds": 0.27,
    "icbhi": 0.30,
    "coswara": 0.09,
    "kauh": 0.09,
}
MIN_SUBJECTS = 100


@dataclass(frozen=True, slots=True)
class CohortSummary:
    """What was written.

    Attributes:
        directory: the data root, with one folder per dataset.
        seed: it was drawn with.
        subjects: per dataset.
        recordings: audio files per dataset.
        bytes: of audio.
        ceilings: content of `best_reachable.json`.
    """

    directory: Path
    seed: int
    subjects: Mapping[str, int]
    recordings: Mapping[str, int]
    bytes: int
    ceilings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Part:
    """One dataset of the cohort, before it is written."""

    dataset: str
    sample: Sample
    layout: Layout
    plan: list[PlannedRecording]
    signs: np.ndarray


def simulate_cohort(
    directory: Path,
    subjects: int = DEFAULT_SUBJECTS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> CohortSummary:
    """Write a simulated cohort: five dataset folders, the truth, the best reachable AUROCs.

    The same seed, size and library versions give the same files, bit by bit. The folder appears
    under its name only when everything is written.

    Args:
        directory: the data root to create; it may exist if it is empty.
        subjects: people over all five datasets, divided by `SHARES`.
        seed: of everything drawn.
        progress: called with (recordings written, recordings to write).

    Returns:
        What was written.

    Raises:
        ConfigError: a folder that is not empty, fewer than `MIN_SUBJECTS`, a negative seed.
        DataError: not enough disk space, or the disk cannot be written.
    """
    import pandas as pd  # slow to load

    _check(directory, subjects, seed)
    parts = [
        _draw(dataset, round(share * subjects), seed, number)
        for number, (dataset, share) in enumerate(SHARES.items())
    ]
    _check_disk(directory, parts)
    truth = pd.concat([_truth(part) for part in parts], ignore_index=True)
    truth = truth.sort_values(["task_id", "record_id"], ignore_index=True)
    ceilings = all_ceilings(truth)
    count = sum(len(part.plan) for part in parts)
    with _staging(directory) as folder:
        # First of all: even what an interruption leaves behind is known to be simulated.
        write_marker(folder, subjects=subjects, recordings=count, seed=seed)
        written = {}
        done = 0
        for number, part in enumerate(parts):
            files: dict[str, WrittenFile] = {}
            for some in _write_recordings(folder / part.dataset, part, (seed, number)):
                files |= some
                done += 1
                if progress is not None:
                    progress(done, count)
            for path, content in part.layout.tables(files).items():
                _write(folder / part.dataset / path, content)
            written[part.dataset] = files
        truth.to_csv(folder / TRUTH, index=False, float_format="%.9g")
        _write(folder / CEILINGS, (json.dumps(ceilings, indent=2) + "\n").encode())
    return CohortSummary(
        directory=directory,
        seed=seed,
        subjects={part.dataset: len(part.sample.people) for part in parts},
        recordings={dataset: len(files) for dataset, files in written.items()},
        bytes=sum(file.bytes for files in written.values() for file in files.values()),
        ceilings=ceilings,
    )


def _check(directory: Path, subjects: int, seed: int) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigError(
            f"{directory} is not an empty folder",
            expected="a folder that is empty or does not exist",
            next_step="choose another folder, or remove this one",
        )
    if subjects < MIN_SUBJECTS:
        raise ConfigError(
            f"{subjects} subjects are too few for five datasets",
            where="subjects",
            expected=f"at least {MIN_SUBJECTS}",
        )
    if seed < 0:
        raise ConfigError(f"The seed {seed} is negative", where="seed", expected="0 or more")


def _draw(dataset: str, n: int, seed: int, number: int) -> _Part:
    rng = np.random.default_rng([seed, number])
    sample = draw_sample(dataset, n, rng)
    layout = LAYOUTS[dataset](sample, rng)
    plan = layout.recordings()
    signs = draw_signs(sample.people.take(np.array([r.person for r in plan])), rng)
    return _Part(dataset, sample, layout, plan, signs)


def _check_disk(directory: Path, parts: list[_Part]) -> None:
    rates = (f.device.sampling_rate for part in parts for r in part.plan for f in r.files)
    needed = int(sum(rates) * MEAN_SECONDS * 2 * 1.15)
    existing = next(p for p in directory.absolute().parents if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise DataError(
            f"Not enough disk space: {free / 1e6:.0f} MB are free",
            where=str(existing),
            expected=f"about {needed / 1e6:.0f} MB",
            next_step="free some space, choose another folder or fewer subjects",
        )


@contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    """A folder beside `directory` that takes its name at the end, or is removed."""
    folder = directory.absolute().with_name(f".{directory.absolute().name}.partial-{os.getpid()}")
    try:
        folder.mkdir(parents=True)
        yield folder
        if directory.exists():
            directory.rmdir()
        folder.rename(directory)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(
            f"The cohort cannot be written: {error}",
            where=str(folder),
            next_step="check the disk and the permissions, then start again",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_recordings(
    folder: Path, part: _Part, seed: tuple[int, int]
) -> Iterator[dict[str, WrittenFile]]:
    """Synthesise and write in threads; each recording's own seed makes their order irrelevant."""
    for path in {(folder / file.path).parent for r in part.plan for file in r.files}:
        path.mkdir(parents=True, exist_ok=True)

    def one(index: int) -> dict[str, WrittenFile]:
        rng = np.random.default_rng([*seed, index])
        planned = part.plan[index]
        sound = synthesise(planned.kind, part.signs[index], rng)
        files = {}
        for file in planned.files:
            samples = record(sound.waveform, file.device, rng)
            rate = file.device.sampling_rate
            soundfile.write(folder / file.path, samples, rate, subtype="PCM_16", format="WAV")
            size = (folder / file.path).stat().st_size
            files[file.path] = WrittenFile(size, rate, len(samples), sound.cycles)
        return files

    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        try:
            yield from pool.map(one, range(len(part.plan)))
        finally:
            pool.shutdown(cancel_futures=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _truth(part: _Part) -> pd.DataFrame:
    """One row per task and file: label and posteriors."""
    import pandas as pd

    tables = []
    for question in QUESTIONS:
        if question.dataset != part.dataset:
            continue
        people = part.sample.people
        asked = question.asks(people) & part.sample.label_stated.get(question.cause, True)
        chosen = [
            i for i, r in enumerate(part.plan) if r.sound == question.sound and asked[r.person]
        ]
        persons = np.array([part.plan[i].person for i in chosen])
        answers, signs = part.sample.answers.take(persons), part.signs[chosen]
        evidence = ((answers, signs), (answers, None), (None, signs))
        table = pd.DataFrame(
            {
                "task_id": question.task_id,
                "row": range(len(chosen)),
                "subject_id": [part.plan[i].subject_id for i in chosen],
                "split": [part.sample.parts[person] for person in persons],
                "label": people.has(question.cause)[persons].astype(int),
            }
            | {
                name: posterior(question, *seen)
                for name, seen in zip(EVIDENCE, evidence, strict=True)
            }
        )
        table["record_id"] = [[file.record_id for file in part.plan[i].files] for i in chosen]
        tables.append(table.explode("record_id"))
    columns = ["task_id", "record_id", "subject_id", "split", "label", *EVIDENCE]
    return pd.concat(tables, ignore_index=True)[columns]

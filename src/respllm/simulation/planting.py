"""Put known faults into a simulated cohort, to see whether an audit finds them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from respllm.datasets.registry import load_records
from respllm.errors import ConfigError, SafetyError, unknown_name
from respllm.simulation.marker import is_simulated
from respllm.types import Record

OFFICIAL = "ICBHI_challenge_train_test.txt"
DIAGNOSIS = "ICBHI_Challenge_diagnosis.txt"
PEOPLE = "ICBHI_Challenge_demographic_information.txt"

LABELS = {"icbhi": "copd", "uk_covid19": "covid19", "covid19_sounds": "covid19"}
"""The dataset's label whose positives get another device."""
PLANTED_RATE = {"icbhi": 44_100, "uk_covid19": 48_000, "covid19_sounds": 22_050}
PLANTED_DEVICE = ("mc", "AKGC417L")  # as an ICBHI file name tells it

COPY_RATES = (4_000, 8_000, 11_025, 44_100)
SHIFT_SECONDS = 0.1
NOISE_STEPS = 1.0  # of 16 bits


@dataclass(frozen=True, slots=True)
class PlantedCopy:
    """A training person's recording that is now in the test part as well, under another name.

    Attributes:
        source, copy: record ids.
        gain: of the copy.
        rate: sampling rate of the copy's file, Hz.
        shift: seconds cut off its beginning.
    """

    source: str
    copy: str
    gain: float
    rate: int
    shift: float


@dataclass(frozen=True, slots=True)
class PlantedDevice:
    """A positive recording that seems to come from another device now: record ids, and Hz."""

    before: str
    after: str
    rate: int


def plant_subject_leak(data_root: Path, share: float, seed: int) -> tuple[PlantedCopy, ...]:
    """Put copies of some ICBHI training patients into the test part, as other patients.

    Each copy is quieter, begins 0.1 s later, has another sampling rate and noise of its own, so no
    file is byte-identical. Age, sex, diagnosis, location and device are those of the source. The
    cohort's truth does not know the copies.

    Args:
        data_root: of a simulated cohort; its ICBHI folder is changed.
        share: of the training patients with COPD or none.

    Raises:
        SafetyError: not a simulated cohort.
        ConfigError: a share outside 0 to 1, or one that takes nobody.
    """
    root = _simulated(data_root, "icbhi")
    rng = np.random.default_rng([seed, 0])
    first: dict[str, Record] = {}
    for record in load_records("icbhi", data_root):
        if record.splits.get("official") == "train" and "copd" in record.labels:
            first.setdefault(record.subject_id, record)
    chosen = _chosen(list(first.values()), share, rng)
    diagnoses, people, official = (_rows(root / n) for n in (DIAGNOSIS, PEOPLE, OFFICIAL))
    of_patient = {row[0]: row for row in diagnoses}, {row[0]: row for row in people}
    next_patient = 1 + max(int(row[0]) for row in people)
    planted = []
    for patient, record in enumerate(chosen, next_patient):
        own, _, rest = record.audio_path.stem.partition("_")
        stem = f"{patient}_{rest}"
        gain = float(rng.uniform(0.3, 0.9))
        samples, rate = soundfile.read(record.audio_path)
        rates = [other for other in COPY_RATES if other != rate]
        new_rate = int(rng.choice(rates))
        changed = soxr.resample(samples[round(SHIFT_SECONDS * rate) :] * gain, rate, new_rate)
        changed = np.clip(changed * 32767 + rng.normal(0, NOISE_STEPS, len(changed)), -32768, 32767)
        target = record.audio_path.with_name(f"{stem}.wav")
        soundfile.write(target, np.round(changed).astype(np.int16), new_rate, subtype="PCM_16")
        cycles = [
            [f"{max(0.0, float(t) - SHIFT_SECONDS):.3f}" for t in row[:2]] + row[2:]
            for row in _rows(record.audio_path.with_suffix(".txt"))
        ]
        _write(target.with_suffix(".txt"), cycles)
        for rows, known in zip((diagnoses, people), of_patient, strict=True):
            rows.append([str(patient), *known[own][1:]])
        official.append([stem, "test"])
        planted.append(
            PlantedCopy(record.record_id, f"icbhi/{stem}", gain, new_rate, SHIFT_SECONDS)
        )
    for name, rows in ((DIAGNOSIS, diagnoses), (PEOPLE, people), (OFFICIAL, official)):
        _write(root / name, rows)
    return tuple(planted)


def plant_device_shortcut(
    data_root: Path, dataset: str, share: float, seed: int
) -> tuple[PlantedDevice, ...]:
    """Make some positive recordings of a dataset seem to come from another device.

    Their files get another sampling rate; in ICBHI, whose file names tell the
    device, so does the name. The sound itself stays as it is.

    Args:
        data_root: of a simulated cohort; the dataset's folder is changed.
        dataset: "icbhi", "uk_covid19" or "covid19_sounds".
        share: of the positive recordings, in every part.

    Raises:
        SafetyError: not a simulated cohort.
        ConfigError: another dataset, a share outside 0 to 1, or one that takes nothing.
    """
    if dataset not in LABELS:
        raise ConfigError(unknown_name("dataset to plant in", dataset, LABELS))
    root = _simulated(data_root, dataset)
    rng = np.random.default_rng([seed, 1])
    rate = PLANTED_RATE[dataset]
    positives = [
        record
        for record in load_records(dataset, data_root)
        if record.labels.get(LABELS[dataset]) == 1
    ]
    planted, renamed = [], {}
    for record in _chosen(positives, share, rng):
        samples, own_rate = soundfile.read(record.audio_path)
        changed = soxr.resample(samples, own_rate, rate)
        changed = np.clip(changed * 32767, -32768, 32767)
        soundfile.write(
            record.audio_path, np.round(changed).astype(np.int16), rate, subtype="PCM_16"
        )
        after = record.record_id
        if dataset == "icbhi":
            patient, index, location, _, _ = record.audio_path.stem.split("_")
            stem = "_".join([patient, index, location, *PLANTED_DEVICE])
            for suffix in (".wav", ".txt"):
                old = record.audio_path.with_suffix(suffix)
                old.rename(old.with_name(f"{stem}{suffix}"))
            renamed[record.audio_path.stem] = stem
            after = f"icbhi/{stem}"
        planted.append(PlantedDevice(record.record_id, after, rate))
    if renamed:
        rows = [[renamed.get(stem, stem), part] for stem, part in _rows(root / OFFICIAL)]
        _write(root / OFFICIAL, rows)
    return tuple(planted)


def _simulated(data_root: Path, dataset: str) -> Path:
    root = Path(data_root) / dataset
    if not is_simulated(root):
        raise SafetyError(
            f"{data_root} is no simulated cohort, and nothing is ever planted among patients",
            expected="a folder that `respllm simulate` wrote",
            next_step="simulate a cohort and plant there",
        )
    return root


def _chosen(records: Sequence[Record], share: float, rng: np.random.Generator) -> list[Record]:
    count = round(share * len(records)) if 0 < share <= 1 else 0
    if not count:
        raise ConfigError(
            f"A share of {share} of {len(records)} recordings takes none",
            where="share",
            expected="more than 0, at most 1",
        )
    return [records[i] for i in sorted(rng.permutation(len(records))[:count])]


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter="\t"))


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(rows)

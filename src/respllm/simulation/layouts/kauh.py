"""Simulated people in the layout of KAUH (see `respllm.datasets.kauh`)."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Mapping

import numpy as np

from respllm.simulation.devices import DEVICES
from respllm.simulation.layouts.plan import PlannedFile, PlannedRecording, Sample, WrittenFile

# Real patients are 1 to 112.
FIRST_PATIENT = 201
# Spellings, stray spaces and letter cases as in the published file names.
LOCATIONS = ("P L L", "P R L ", "P L U", "P R U", "P L M", "P R M", "A R U", "A L U", "A R M")
NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "copd": (("COPD", "E W"), ("copd", "E W")),
    "asthma": (("Asthma", "E W"), ("asthma", "E W"), ("Asthma", "I E W")),
    "other": (
        ("heart failure", "C"),
        ("Heart Failure", "Crep"),
        ("pneumonia", "Crep"),
        ("BRON", "Crep"),
        ("Plueral Effusion", "I C B"),
    ),
    "none": (("N", "N"),),
}
"""Diagnosis and sound type, as written; the sound type follows the diagnosis, as it does there."""


class KauhLayout:
    """Three files per patient: one recording through the bell, diaphragm, extended filter."""

    def __init__(self, sample: Sample, rng: np.random.Generator) -> None:
        self.sample = sample
        n = len(sample.people)
        self.locations = rng.choice(LOCATIONS, size=n)
        causes = np.select([sample.people.has(c) for c in ("copd", "asthma", "other")], range(3), 3)
        spellings = [NAMES[("copd", "asthma", "other", "none")[cause]] for cause in causes]
        self.diagnoses = [options[rng.integers(len(options))] for options in spellings]

    def recordings(self) -> list[PlannedRecording]:
        """One recording per patient."""
        return [self._recording(i) for i in range(len(self.sample.people))]

    def tables(self, written: Mapping[str, WrittenFile]) -> dict[str, bytes]:
        """`Data annotation.xlsx`."""
        rows: list[tuple[object, ...]] = [("Age", "Gender", "Location", "Sound type", "Diagnosis")]
        rows += [
            (int(self.sample.people.age[i]), self._sex(i), self.locations[i], sound, diagnosis)
            for i, (diagnosis, sound) in enumerate(self.diagnoses)
        ]
        return {"Data annotation.xlsx": _workbook(rows)}

    def _recording(self, i: int) -> PlannedRecording:
        patient = FIRST_PATIENT + i
        diagnosis, sound = self.diagnoses[i]
        statement = (
            f"{diagnosis},{sound},{self.locations[i]},{self.sample.people.age[i]},{self._sex(i)}"
        )
        files = tuple(
            PlannedFile(
                f"Audio Files/{device.name}P{patient}_{statement}.wav",
                f"kauh/{device.name}P{patient}",
                device,
            )
            for device in DEVICES["kauh"]
        )
        return PlannedRecording(i, f"kauh/{patient}", "lung", "lung", files)

    def _sex(self, i: int) -> str:
        return "F" if self.sample.answers.female[i] else "M"


def _workbook(rows: list[tuple[object, ...]]) -> bytes:
    """An Excel sheet that is the same, byte by byte, whenever it is written."""
    import openpyxl  # slow to load

    book = openpyxl.Workbook()
    book.active.title = "Sheet1"
    for row in rows:
        book.active.append([str(cell) if isinstance(cell, str) else cell for cell in row])
    stamped = io.BytesIO()
    book.save(stamped)
    plain = io.BytesIO()
    moment = datetime.datetime(2021, 1, 1)
    with zipfile.ZipFile(stamped) as source, zipfile.ZipFile(plain, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2021-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            target.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return plain.getvalue()

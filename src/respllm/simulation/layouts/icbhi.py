"""Simulated people in the layout of ICBHI 2017 (see `respllm.datasets.icbhi`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from respllm.simulation.devices import draw_device
from respllm.simulation.layouts.plan import PlannedFile, PlannedRecording, Sample, WrittenFile
from respllm.simulation.layouts.text import delimited

# Real patients are 101 to 226.
FIRST_PATIENT = 301
LOCATIONS = ("Tc", "Al", "Ar", "Pl", "Pr", "Ll", "Lr")
OTHER_DIAGNOSES = ("URTI", "Pneumonia", "Bronchiectasis", "LRTI")
SECOND_RECORDING = 0.1  # share of patients with two recordings


class IcbhiLayout:
    """Tab-separated tables without header; one annotation file per recording."""

    def __init__(self, sample: Sample, rng: np.random.Generator) -> None:
        self.sample = sample
        n = len(sample.people)
        self.other = rng.choice(OTHER_DIAGNOSES, size=n)
        self.body_mass = np.round(rng.normal(27, 4, size=n).clip(17, 45), 1)
        self.plan = [
            self._recording(person, index, rng)
            for person in range(n)
            for index in range(1 + int(rng.random() < SECOND_RECORDING))
        ]

    def recordings(self) -> list[PlannedRecording]:
        """One recording of most patients, two of some."""
        return self.plan

    def tables(self, written: Mapping[str, WrittenFile]) -> dict[str, bytes]:
        """The three official tables and the annotations; a missing age or sex is NA."""
        sample, people = self.sample, range(len(self.sample.people))
        demographics: list[tuple[object, ...]] = [
            (
                FIRST_PATIENT + i,
                sample.people.age[i] if sample.answers.age_stated[i] else "NA",
                "FM"[1 - int(sample.answers.female[i])] if sample.answers.sex_stated[i] else "NA",
                self.body_mass[i],
                "NA",
                "NA",
            )
            for i in people
        ]
        official: list[tuple[object, ...]] = [
            (file.path.split("/")[1].removesuffix(".wav"), sample.parts[recording.person])
            for recording in self.plan
            for file in recording.files
        ]
        tables: dict[str, list[tuple[object, ...]]] = {
            "ICBHI_Challenge_diagnosis.txt": [
                (FIRST_PATIENT + i, self._diagnosis(i)) for i in people
            ],
            "ICBHI_Challenge_demographic_information.txt": demographics,
            "ICBHI_challenge_train_test.txt": official,
        }
        for path, file in written.items():
            tables[path.removesuffix(".wav") + ".txt"] = [
                (f"{c.start:.3f}", f"{c.stop:.3f}", int(c.crackle), int(c.wheeze))
                for c in file.cycles
            ]
        return {path: delimited(rows, "\t") for path, rows in tables.items()}

    def _recording(self, person: int, index: int, rng: np.random.Generator) -> PlannedRecording:
        device = draw_device("icbhi", rng)
        mode = "mc" if device.name == "AKGC417L" else "sc"
        location = LOCATIONS[rng.integers(len(LOCATIONS))]
        patient = FIRST_PATIENT + person
        stem = f"{patient}_{index + 1}b1_{location}_{mode}_{device.name}"
        file = PlannedFile(f"ICBHI_final_database/{stem}.wav", f"icbhi/{stem}", device)
        return PlannedRecording(person, f"icbhi/{patient}", "lung", "lung", (file,))

    def _diagnosis(self, i: int) -> str:
        one = self.sample.people.take(np.array([i]))
        for cause, name in (("copd", "COPD"), ("asthma", "Asthma"), ("other", self.other[i])):
            if one.has(cause)[0]:
                return str(name)
        return "Healthy"

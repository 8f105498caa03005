"""Simulated people in the layout of Coswara (see `respllm.datasets.coswara`).

Only the four breathing and cough sounds are written; counting and vowels are not simulated.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping

import numpy as np

from respllm.simulation.answers import QUESTIONNAIRES
from respllm.simulation.devices import draw_device
from respllm.simulation.layouts.plan import PlannedFile, PlannedRecording, Sample, WrittenFile
from respllm.simulation.layouts.text import day, delimited, identifier
from respllm.simulation.questions import SoundKind

SOUNDS: dict[str, SoundKind] = {
    "breathing-deep": "breath",
    "breathing-shallow": "breath",
    "cough-heavy": "cough",
    "cough-shallow": "cough",
}
COLUMNS = [
    "id",
    "a",
    "covid_status",
    "record_date",
    "ep",
    "g",
    "l_c",
    "l_l",
    "l_s",
    "rU",
    "smoker",
    "cold",
    "ht",
    "diabetes",
    "cough",
    "ctDate",
    "ctScan",
    "ctScore",
    "diarrhoea",
    "fever",
    "loss_of_smell",
    "mp",
    "testType",
    "test_date",
    "test_status",
    "um",
    "vacc",
    "bd",
    "others_resp",
    "ftg",
    "st",
    "ihd",
    "asthma",
    "others_preexist",
    "cld",
    "pneumonia",
]
SYMPTOM_COLUMNS = {
    "cough": "cough",
    "fever": "fever",
    "loss of smell or taste": "loss_of_smell",
    "fatigue": "ftg",
    "shortness of breath": "bd",
    "sore throat": "st",
    "runny nose": "cold",
    "muscle pain": "mp",
}
HISTORY_COLUMNS = {
    "asthma": "asthma",
    "copd": "cld",
    "hypertension": "ht",
    "diabetes": "diabetes",
}
SMOKER_CODES = (("", "n", "n", "False"), ("", "True", "y"))
"""Of a non-smoker and of a smoker: Coswara mixes spellings, and most did not say."""


class CoswaraLayout:
    """One folder per person, one table of everybody; what is not ticked is absent."""

    def __init__(self, sample: Sample, rng: np.random.Generator) -> None:
        self.sample = sample
        self.rows = [self._row(i, rng) for i in range(len(sample.people))]
        self.devices = [draw_device("coswara", rng) for _ in self.rows]

    def recordings(self) -> list[PlannedRecording]:
        """Four sounds per person."""
        return [
            PlannedRecording(
                i,
                f"coswara/{row['id']}",
                sound,
                kind,
                (
                    PlannedFile(
                        f"{_folder(row)}/{sound}.wav",
                        f"coswara/{row['id']}/{sound}",
                        self.devices[i],
                    ),
                ),
            )
            for i, row in enumerate(self.rows)
            for sound, kind in SOUNDS.items()
        ]

    def tables(self, written: Mapping[str, WrittenFile]) -> dict[str, bytes]:
        """`combined_data.csv`, each person's `metadata.json`, the quality annotations."""
        rows: list[list[object]] = [
            list(COLUMNS),
            *([row.get(column) for column in COLUMNS] for row in self.rows),
        ]
        files = {"combined_data.csv": delimited(rows)}
        for row in self.rows:
            stated = {key: value for key, value in row.items() if value != ""}
            files[f"{_folder(row)}/metadata.json"] = json.dumps(stated, indent=4).encode()
        for sound in SOUNDS:
            quality = [
                ("FILENAME", " QUALITY"),
                *((f"{row['id']}_{sound}", 2) for row in self.rows),
            ]
            files[f"annotations/{sound}_labels.csv"] = delimited(quality)
        return files

    def _row(self, i: int, rng: np.random.Generator) -> dict[str, object]:
        people, answers = self.sample.people.take(np.array([i])), self.sample.answers
        asked = QUESTIONNAIRES["coswara"]
        codes = SMOKER_CODES[int(people.has("smoker")[0])]
        row: dict[str, object] = {
            "id": identifier(rng, string.ascii_letters + string.digits, 28),
            "a": int(people.age[0]),
            "covid_status": self._status(i, bool(people.has("covid19")[0]), rng),
            "record_date": day(rng).isoformat(),
            "ep": "y",
            "g": "female" if answers.female[i] else "male",
            "l_c": "Simulated",
            "rU": "n",
            "smoker": codes[rng.integers(len(codes))],
        }
        for name, ticked in zip(asked.symptoms, answers.symptoms[i], strict=True):
            if ticked:
                row[SYMPTOM_COLUMNS[name]] = True
        for name, ticked in zip(asked.history, answers.history[i], strict=True):
            if ticked:
                row[HISTORY_COLUMNS[name]] = True
        return row

    def _status(self, i: int, positive: bool, rng: np.random.Generator) -> str:
        degree = ("positive_mild", "positive_moderate")[int(rng.random() < 0.3)]
        if not self.sample.label_stated["covid19"][i]:
            return "under_validation"
        if not positive:
            return "healthy"
        return degree if self.sample.answers.symptoms[i].any() else "positive_asymp"


def _folder(row: Mapping[str, object]) -> str:
    return f"Extracted_data/{str(row['record_date']).replace('-', '')}/{row['id']}"

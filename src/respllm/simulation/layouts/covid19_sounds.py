"""Simulated people in the layout of COVID-19 Sounds (see `respllm.datasets.covid19_sounds`).

Everybody records a breath and a cough, and most are in both benchmark tables: task 1 (smoking)
and task 2 (COVID-19), in the same part of both. The voice is not simulated.
"""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from respllm.simulation.answers import QUESTIONNAIRES
from respllm.simulation.devices import draw_device
from respllm.simulation.layouts.plan import PlannedFile, PlannedRecording, Sample, WrittenFile
from respllm.simulation.layouts.text import day, delimited, identifier

SOUNDS = ("breath", "cough")
AUDIO, WEB = "covid19_data_0426", "form-app-users"
TASK1_SPLITS = {"train": 0, "validation": 1, "test": 2}
SYMPTOM_CODES = {
    "cough": "drycoough",
    "wet cough": "wetcough",
    "fever": "fever",
    "loss of smell or taste": "smelltasteloss",
    "shortness of breath": "shortbreath",
    "sore throat": "sorethroat",
    "headache": "headache",
    "muscle pain": "muscleache",
}
HISTORY_CODES = {"asthma": "asthma", "copd": "copd", "hypertension": "hbp", "diabetes": "diabetes"}
SMOKING_CODES = (("never", "never", "ex"), ("ltOnce", "1to10", "11to20", "21+"))
"""Of a non-smoker and of a smoker."""
PERSON = ["Uid", "Age", "Sex", "Medhistory", "Smoking", "Language", "Date"]
RAW_COLUMNS = [
    *("", *PERSON, "Folder Name", "Symptoms", "Covid-Tested", "Hospitalized"),
    *("Voice filename", "Cough filename", "Breath filename"),
    *("Voice check", "Cough check", "Breath check"),
]
TASK1_COLUMNS = [
    *(*PERSON, "Folder Name", "Symptoms", "Covid-Tested", "Hospitalized", "Location"),
    *("Voice filename", "Cough filename", "Breath filename", "split", "label"),
]
TASK2_COLUMNS = [
    "index",
    "cough_path",
    "breath_path",
    "voice_path",
    "label",
    "uid",
    "categs",
    "fold",
]


class Covid19SoundsLayout:
    """Two benchmark tables, one raw table per platform, one folder per session."""

    def __init__(self, sample: Sample, rng: np.random.Generator) -> None:
        self.sample = sample
        self.devices = [draw_device("covid19_sounds", rng) for _ in range(len(sample.people))]
        self.rows = [self._row(i, rng) for i in range(len(sample.people))]

    def recordings(self) -> list[PlannedRecording]:
        """A breath and a cough of each person."""
        return [
            PlannedRecording(
                i,
                f"covid19_sounds/{row['Uid']}",
                sound,
                "breath" if sound == "breath" else "cough",
                (self._file(i, sound),),
            )
            for i, row in enumerate(self.rows)
            for sound in SOUNDS
        ]

    def tables(self, written: Mapping[str, WrittenFile]) -> dict[str, bytes]:
        """Task 1, task 2 and the raw tables of the three platforms."""
        raw: dict[str, list[list[object]]] = defaultdict(list)
        for device, row in zip(self.devices, self.rows, strict=True):
            columns = _raw_columns(device.name)
            table = raw[device.name] = raw[device.name] or [list(columns)]
            row = row | {"": len(table) - 1, "Sampling Rate": device.sampling_rate}
            table.append([row.get(column) for column in columns])
        files = {
            f"results_raw_20210426_lan_yamnet_{platform}_noloc.csv": delimited(raw[platform], ";")
            for platform in ("android", "ios", "web")
        }
        files["data_0426_en_task1.csv"] = delimited(self._task1(), ";")
        files["data_0426_en_task2.csv"] = delimited(self._task2())
        return files

    def _task1(self) -> list[list[object]]:
        stated, smokes = self.sample.label_stated["smoker"], self.sample.people.has("smoker")
        rows = [
            row | {"split": TASK1_SPLITS[part], "label": int(label)}
            for row, part, label, known in zip(
                self.rows, self.sample.parts, smokes, stated, strict=True
            )
            if known
        ]
        return [
            list(TASK1_COLUMNS),
            *([row.get(column) for column in TASK1_COLUMNS] for row in rows),
        ]

    def _task2(self) -> list[list[object]]:
        stated, positive = self.sample.label_stated["covid19"], self.sample.people.has("covid19")
        table: list[list[object]] = [list(TASK2_COLUMNS)]
        for i in np.flatnonzero(stated).tolist():
            cough, breath = (self._file(i, s).path.replace("/", "\\") for s in ("cough", "breath"))
            uid, part = self.rows[i]["Uid"], self.sample.parts[i]
            table.append([len(table) - 1, cough, breath, "", int(positive[i]), uid, "", part])
        return table

    def _file(self, i: int, sound: str) -> PlannedFile:
        row, web = self.rows[i], self.devices[i].name == "web"
        directory = WEB if web else row["Uid"]
        name = str(row[f"{sound.capitalize()} filename"])
        place = f"{directory}/{row['Folder Name']}"
        return PlannedFile(
            f"{AUDIO}/{place}/{name}",
            f"covid19_sounds/{place}/{name.removesuffix('.wav')}",
            self.devices[i],
        )

    def _row(self, i: int, rng: np.random.Generator) -> dict[str, object]:
        people, answers = self.sample.people.take(np.array([i])), self.sample.answers
        asked = QUESTIONNAIRES["covid19_sounds"]
        web = self.devices[i].name == "web"
        date, milliseconds = day(rng), int(rng.integers(10**12))
        # A web session has no user but its folder's name, which begins with the year.
        folder = f"{date:2020-%m-%d}-10_{milliseconds % 60:02d}_00_{milliseconds:012d}"
        uid = folder if web else identifier(rng, string.ascii_letters, 10)
        smoking = SMOKING_CODES[int(people.has("smoker")[0])]
        names = {
            sound: f"audio_file_{sound}.wav" if web else f"{sound}_{uid}_{milliseconds}.wav"
            for sound in SOUNDS
        }
        symptoms = [SYMPTOM_CODES[name] for name in asked.symptoms]
        history = [HISTORY_CODES[name] for name in asked.history]
        tested = self.sample.label_stated["covid19"][i]
        positive = people.has("covid19")[0]
        stated_smoking = self.sample.label_stated["smoker"][i]
        return {
            "Uid": uid,
            "Age": _band(answers.age_low[i]) if answers.age_stated[i] else "pnts",
            "Sex": ("Female" if answers.female[i] else "Male") if answers.sex_stated[i] else "pnts",
            "Medhistory": _codes(history, answers.history[i], answers.history_stated[i]),
            "Smoking": smoking[rng.integers(len(smoking))] if stated_smoking else "pnts",
            "Language": "en",
            "Date": date.isoformat(),
            "Folder Name": folder,
            "Symptoms": _codes(symptoms, answers.symptoms[i], answers.symptoms_stated[i]),
            "Covid-Tested": ("last14" if positive else "negativeNever") if tested else "pnts",
            "Hospitalized": "no",
            "Cough filename": names["cough"],
            "Breath filename": names["breath"],
            "Voice check": "n",
            "Cough check": "c",
            "Breath check": "b",
        }


def _raw_columns(platform: str) -> list[str]:
    if platform == "android":
        return [*RAW_COLUMNS, "Sampling Rate"]
    if platform == "web":
        return ["", *sorted(RAW_COLUMNS[1:])]  # the web table has its own order
    return RAW_COLUMNS


def _band(low: int) -> str:
    return "16-19" if low == 16 else f"{low}-{low + 9}"


def _codes(codes: list[str], ticks: np.ndarray, stated: np.bool_) -> str:
    """Ticked codes, each followed by a comma as published; "None" or "pnts" without any."""
    ticked = [code for code, tick in zip(codes, ticks, strict=True) if tick]
    if not stated:
        return "pnts"
    return ",".join(ticked) + "," if ticked else "None"

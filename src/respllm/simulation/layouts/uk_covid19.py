"""Simulated people in the layout of the UK COVID-19 Vocal Audio Dataset.

See `respllm.datasets.uk_covid19`. The three-cough sound is not simulated: nobody recorded it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from respllm.simulation.answers import QUESTIONNAIRES
from respllm.simulation.devices import draw_device
from respllm.simulation.layouts.plan import PlannedFile, PlannedRecording, Sample, WrittenFile
from respllm.simulation.layouts.text import day, delimited, identifier
from respllm.simulation.questions import SoundKind

SOUNDS: dict[str, SoundKind] = {"exhalation": "breath", "cough": "cough"}
PREFIXES = {"exhalation": "62-12", "cough": "62-13"}
AGE_BANDS = {18: "18-44", 45: "45-64", 65: "65+"}
SPLIT_CODES = {"train": "train", "validation": "val", "test": "test"}
SYMPTOM_COLUMNS = {
    "cough": "cough_any",
    "runny nose": "runny_or_blocked_nose",
    "shortness of breath": "shortness_of_breath",
    "sore throat": "sore_throat",
    "fatigue": "fatigue",
    "fever": "fever_high_temperature",
    "headache": "headache",
    "loss of smell or taste": "change_to_sense_of_smell_or_taste",
}
SYMPTOMS = [
    "none",
    "cough_any",
    "new_continuous_cough",
    "runny_or_blocked_nose",
    "shortness_of_breath",
    "sore_throat",
    "abdominal_pain",
    "diarrhoea",
    "fatigue",
    "fever_high_temperature",
    "headache",
    "change_to_sense_of_smell_or_taste",
    "loss_of_taste",
    "other",
    "prefer_not_to_say",
]
CONDITIONS = ("none", "asthma", "other", "prefer_not_to_say")
AUDIO_FACTS = [
    "file_name",
    "size",
    "sample_rate",
    "channels",
    "length",
    "amplitude",
    "signal_mean_std_ratio",
]


class UkCovid19Layout:
    """Three tables by participant and one folder of recordings."""

    def __init__(self, sample: Sample, rng: np.random.Generator) -> None:
        self.sample = sample
        n = len(sample.people)
        self.ids = [f"P{identifier(rng, '0123456789abcdef', 12)}" for _ in range(n)]
        self.devices = [draw_device("uk_covid19", rng) for _ in range(n)]
        self.stems = [{s: f"{PREFIXES[s]}-{_name(rng)}" for s in SOUNDS} for _ in range(n)]
        self.days = [day(rng) for _ in range(n)]
        # Recruitment tells nothing here; in the real dataset it nearly tells the label.
        self.recruitment = rng.choice(["Test and Trace", "REACT"], size=n)

    def recordings(self) -> list[PlannedRecording]:
        """An exhalation and a cough of each participant."""
        return [
            PlannedRecording(
                i,
                f"uk_covid19/{self.ids[i]}",
                sound,
                kind,
                (
                    PlannedFile(
                        f"audio/{self.stems[i][sound]}.wav",
                        f"uk_covid19/{self.stems[i][sound]}",
                        self.devices[i],
                    ),
                ),
            )
            for i in range(len(self.ids))
            for sound, kind in SOUNDS.items()
        ]

    def tables(self, written: Mapping[str, WrittenFile]) -> dict[str, bytes]:
        """Participants, audio files and the official split."""
        people = range(len(self.ids))
        participants: list[list[object]] = [
            [
                *("participant_identifier", "age", "gender", "smoker_status"),
                *("covid_test_result", "covid_test_method", "covid_test_date", "covid_viral_load"),
                "recruitment_source",
                *(f"respiratory_condition_{name}" for name in CONDITIONS),
                *(f"symptom_{name}" for name in SYMPTOMS),
                "symptom_onset",
            ],
            *(self._participant(i) for i in people),
        ]
        audio: list[list[object]] = [
            [
                "participant_identifier",
                *(f"{s}_{f}" for s in (*SOUNDS, "three_cough") for f in AUDIO_FACTS),
                "missing_audio",
            ],
            *(self._audio(i, written) for i in people),
        ]
        splits = [
            ("participant_identifier", "splits", "in_matched_rebalanced_train"),
            *((self.ids[i], SPLIT_CODES[self.sample.parts[i]], False) for i in people),
        ]
        return {
            "participant_metadata.csv": delimited(participants),
            "audio_metadata.csv": delimited(audio),
            "train_test_splits.csv": delimited(splits),
        }

    def _participant(self, i: int) -> list[object]:
        people, answers = self.sample.people.take(np.array([i])), self.sample.answers
        asked = QUESTIONNAIRES["uk_covid19"]
        tested = self.sample.label_stated["covid19"][i]
        smokes = people.has("smoker")[0]
        return [
            self.ids[i],
            AGE_BANDS[int(answers.age_low[i])] if answers.age_stated[i] else None,
            ("Female" if answers.female[i] else "Male") if answers.sex_stated[i] else None,
            "Current smoker" if smokes else "Never smoked",
            ("Positive" if people.has("covid19")[0] else "Negative") if tested else None,
            "PCR" if tested else None,
            self.days[i].isoformat() if tested else None,
            None,
            self.recruitment[i],
            *_boxes(CONDITIONS, asked.history, answers.history[i], answers.history_stated[i]),
            *_boxes(
                SYMPTOMS,
                [SYMPTOM_COLUMNS[name] for name in asked.symptoms],
                answers.symptoms[i],
                answers.symptoms_stated[i],
            ),
            None,
        ]

    def _audio(self, i: int, written: Mapping[str, WrittenFile]) -> list[object]:
        cells: list[object] = [self.ids[i]]
        for sound in SOUNDS:
            name = f"{self.stems[i][sound]}.wav"
            file = written[f"audio/{name}"]
            seconds = round(file.frames / file.sampling_rate, 3)
            cells += [name, file.bytes, file.sampling_rate, 1, seconds, None, None]
        return [*cells, *([None] * len(AUDIO_FACTS)), "three_cough"]


def _boxes(
    columns: tuple[str, ...] | list[str],
    asked: tuple[str, ...] | list[str],
    ticks: np.ndarray,
    stated: np.bool_,
) -> list[int]:
    """Tick boxes in the order of the columns, with "none" and "prefer not to say"."""
    ticked = {name for name, tick in zip(asked, ticks, strict=True) if tick}
    if not stated:
        ticked = {"prefer_not_to_say"}
    elif not ticked:
        ticked = {"none"}
    return [int(name in ticked) for name in columns]


def _name(rng: np.random.Generator) -> str:
    return "-".join(identifier(rng, "0123456789abcdef", length) for length in (8, 4, 4, 16))

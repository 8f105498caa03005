"""UK COVID-19 Vocal Audio Dataset, open access: 72,999 people with PCR-referenced recordings.

Provenance: UK Health Security Agency; Zenodo 10043978.
Citation: Budd et al. 2024, "A large-scale and PCR-referenced vocal audio dataset for COVID-19",
    Scientific Data 11, doi 10.1038/s41597-024-03492-w.
Licence: Open Government Licence 3.0.

`participant_metadata.csv` and `train_test_splits.csv` have a row for each participant;
`audio_metadata.csv` names the files. The audio lies in a folder beside them, `audio/` or another
name. The columns are known from the code of the dataset's users, not from the files. Sentences
read aloud are not part of the open release.

In an unadjusted split the way of recruitment alone nearly tells the label; see Coppock et al. 2024.
"""

from __future__ import annotations

from pathlib import Path

from respllm.datasets.codes import (
    SPLIT_CODES,
    is_stated,
    is_ticked,
    look_up,
    read_age,
    read_gender,
    read_number,
    read_words,
)
from respllm.datasets.dataset import Dataset, DatasetContents, gather, require_folder
from respllm.datasets.delimited import Row, by_key
from respllm.datasets.index import published_index
from respllm.datasets.layouts import find_layout
from respllm.datasets.on_disk import audio_by_stem
from respllm.errors import DataError
from respllm.types import Dms, Record, Split

SOUNDS = {"exhalation": "exhalation", "cough": "cough", "three_cough": "three-cough"}
"""Prefix of the columns of `audio_metadata.csv` to sound type."""

HISTORY = {
    "respiratory_condition_asthma": "asthma",
    "respiratory_condition_other": "other respiratory condition",
}

SYMPTOMS = {
    "symptom_cough_any": "cough",
    "symptom_new_continuous_cough": "new continuous cough",
    "symptom_runny_or_blocked_nose": "runny or blocked nose",
    "symptom_shortness_of_breath": "shortness of breath",
    "symptom_sore_throat": "sore throat",
    "symptom_abdominal_pain": "abdominal pain",
    "symptom_diarrhoea": "diarrhoea",
    "symptom_fatigue": "fatigue",
    "symptom_fever_high_temperature": "fever",
    "symptom_headache": "headache",
    "symptom_change_to_sense_of_smell_or_taste": "change to sense of smell or taste",
    "symptom_loss_of_taste": "loss of taste",
    "symptom_other": "other symptom",
}

NO_HISTORY = "respiratory_condition_none"
NO_SYMPTOMS = "symptom_none"

COVID19 = {"positive": 1, "negative": 0, "": None, "unknown": None, "unknown/void": None}
"""`covid_test_result`, in lower case, to the label; None is unknown."""

_SPLITS: dict[str, Split | None] = {**SPLIT_CODES, "long": None, "": None}
"""The longitudinal part ("long", recorded later) is none of train, validation and test."""

_HEADER_BYTES = 44
"""A WAV file of this size or less has no samples."""


def read(root: Path) -> DatasetContents:
    """Read the folder `root`.

    Labels: "covid19". Splits: "official" and, for the published subset of 2,500 per sound,
    "opera". A ticked box is a statement; with nothing ticked but "none", none is stated; with
    nothing ticked at all, or only "prefer not to say", nothing is.

    Raises:
        DataError: a missing table or column, a malformed row, an unknown code.
    """
    require_folder(root, DATASET)
    layout = find_layout(root, ["participant_metadata.csv", "audio_metadata.csv"])
    people = by_key(
        layout.table(
            "participant_metadata.csv",
            [
                "participant_identifier",
                "age",
                "gender",
                "covid_test_result",
                "recruitment_source",
                *(NO_HISTORY, *HISTORY),
                *(NO_SYMPTOMS, *SYMPTOMS),
            ],
        ),
        "participant_identifier",
    )
    parts = by_key(
        layout.table("train_test_splits.csv", ["participant_identifier", "splits"]),
        "participant_identifier",
    )
    files = layout.table(
        "audio_metadata.csv",
        [
            "participant_identifier",
            *(f"{sound}_{column}" for sound in SOUNDS for column in ("file_name", "size")),
        ],
    )
    audio = audio_by_stem(*layout.audio_folders())
    opera = {
        row.name: row.splits
        for sound in ("exhalation", "cough")
        for row in published_index(f"uk_covid19_{sound}")
    }
    records: list[Record] = []
    missing: list[str] = []
    for row in files:
        for sound, stem in _recorded(row):
            path = audio.get(stem)
            if path is None or _is_empty(row, sound):
                missing.append(f"uk_covid19/{stem}")
            else:
                person = _person(row, people)
                part = _part(parts.get(row["participant_identifier"]))
                records.append(
                    _record(path, SOUNDS[sound], person, {**opera.get(stem, {}), **part})
                )
    unnamed = sum(len(SOUNDS) - len(_recorded(row)) for row in files)
    apart = sum("official" not in record.splits for record in records)
    notes = layout.notes
    if unnamed:
        notes.append(f"{unnamed} sounds were not recorded: audio_metadata.csv names no file")
    if apart:
        notes.append(f"{apart} recordings are in no part of the official split")
    return gather(records, missing, notes)


def _recorded(row: Row) -> list[tuple[str, str]]:
    """The sounds for which a file is named, with the file's stem."""
    names = {sound: row[f"{sound}_file_name"] for sound in SOUNDS}
    return [(sound, Path(name).stem) for sound, name in names.items() if is_stated(name)]


def _is_empty(row: Row, sound: str) -> bool:
    size = row[f"{sound}_size"]
    return is_stated(size) and read_number(size, row.where(f"{sound}_size")) <= _HEADER_BYTES


def _person(row: Row, people: dict[str, Row]) -> Row:
    participant = row["participant_identifier"]
    if participant not in people:
        raise DataError(
            f"Participant {participant!r} is not in participant_metadata.csv",
            where=row.where("participant_identifier"),
            expected="one row for each participant",
            next_step="use the tables as published",
        )
    return people[participant]


def _part(row: Row | None) -> dict[str, Split]:
    split = None if row is None else look_up(row["splits"], _SPLITS, "split", row.where("splits"))
    return {} if split is None else {"official": split}


def _record(path: Path, sound: str, person: Row, splits: dict[str, Split]) -> Record:
    where = person.where("covid_test_result")
    covid19 = look_up(person["covid_test_result"], COVID19, "test result", where)
    return Record(
        record_id=f"uk_covid19/{path.stem}",
        subject_id=f"uk_covid19/{person['participant_identifier']}",
        dataset="uk_covid19",
        sound_type=sound,
        audio_path=path,
        dms=Dms(
            gender=read_gender(person["gender"], person.where("gender")),
            age=read_age(person["age"], person.where("age")),
            medical_history=_ticked(person, HISTORY, NO_HISTORY),
            symptoms=_ticked(person, SYMPTOMS, NO_SYMPTOMS),
        ),
        labels={} if covid19 is None else {"covid19": covid19},
        splits=splits,
        recruitment=read_words(person["recruitment_source"]),
    )


def _ticked(row: Row, names: dict[str, str], none: str) -> tuple[str, ...] | None:
    ticked = tuple(name for code, name in names.items() if is_ticked(row[code], row.where(code)))
    return ticked if ticked or is_ticked(row[none], row.where(none)) else None


DATASET = Dataset(
    name="uk_covid19",
    title="UK COVID-19 Vocal Audio Dataset (open access)",
    licence="Open Government Licence 3.0",
    citation="Budd et al. 2024, Scientific Data 11, doi 10.1038/s41597-024-03492-w",
    url="https://zenodo.org/records/10043978",
    layout=(
        "participant_metadata.csv, audio_metadata.csv, train_test_splits.csv, and audio/ with the "
        "recordings that audio_metadata.csv names"
    ),
    reader=read,
)

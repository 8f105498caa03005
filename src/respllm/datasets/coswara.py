"""Coswara: coughs, breaths and voice of 2,746 people, collected on the web from 2020 to 2022.

Provenance: Indian Institute of Science; https://github.com/iiscleap/Coswara-Data
Citation: Bhattacharya et al. 2023, "Coswara: A respiratory sounds and symptoms dataset for remote
    screening of SARS-CoV-2 infection", Scientific Data 10, doi 10.1038/s41597-023-02266-0.
Licence: CC BY 4.0.

`combined_data.csv` has one row for each person; the tar parts unpack to
`Extracted_data/<yyyymmdd>/<id>/<sound>.wav`. Each folder's `metadata.json` repeats the row and is
not read. Four of the nine sounds are used. Some files are empty or silent.

In the columns of symptoms and history a cell is True or empty. Empty is "not ticked", which is not
the same as "stated none": with nothing ticked, nothing is stated.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from respllm.datasets.codes import (
    is_plausible_age,
    is_stated,
    is_ticked,
    look_up,
    read_gender,
    read_number,
    read_words,
)
from respllm.datasets.dataset import Dataset, DatasetContents, gather, require_folder
from respllm.datasets.delimited import Row, by_key
from respllm.datasets.layouts import find_layout
from respllm.datasets.on_disk import audio_by_stem, subfolders
from respllm.types import Dms, Record

SOUNDS = ("breathing-deep", "breathing-shallow", "cough-heavy", "cough-shallow")

SYMPTOMS = {
    "cold": "cold",
    "cough": "cough",
    "fever": "fever",
    "diarrhoea": "diarrhoea",
    "st": "sore throat",
    "loss_of_smell": "loss of smell or taste",
    "mp": "muscle pain",
    "ftg": "fatigue",
    "bd": "breathing difficulties",
}
"""Column to symptom; these nine are what "has symptoms" means for T1 to T4."""

HISTORY = {
    "asthma": "asthma",
    "cld": "chronic lung disease",
    "pneumonia": "pneumonia",
    "others_resp": "other respiratory condition",
    "ht": "hypertension",
    "diabetes": "diabetes",
    "ihd": "ischaemic heart disease",
    "others_preexist": "other pre-existing condition",
}

COVID19 = {
    "healthy": 0,
    "positive_mild": 1,
    "positive_moderate": 1,
    "positive_asymp": 1,
    "no_resp_illness_exposed": None,
    "resp_illness_not_identified": None,
    "recovered_full": None,
    "under_validation": None,
}
"""`covid_status` to the label; None is unknown."""


def read(root: Path) -> DatasetContents:
    """Read the folder `root`.

    Labels: "covid19". No published split. Ages are typed in by the participants: one that is not
    above 0 and at most 120 is not stated (counted in the notes).

    Raises:
        DataError: a missing table, folder or column, a malformed row, an unknown code.
    """
    require_folder(root, DATASET)
    layout = find_layout(root, ["combined_data.csv", "Extracted_data"])
    people = by_key(
        layout.table(
            "combined_data.csv", ["id", "a", "g", "covid_status", "l_c", *SYMPTOMS, *HISTORY]
        ),
        "id",
    )
    folders: dict[str, list[Path]] = defaultdict(list)
    for day in layout.day_folders("Extracted_data"):
        for folder in subfolders(day):
            folders[folder.name].append(folder)
    records = [
        record
        for person, row in people.items()
        if person in folders
        for record in _records(row, audio_by_stem(*folders[person]))
    ]
    found = {record.record_id for record in records}
    missing = {f"coswara/{person}/{sound}" for person in people for sound in SOUNDS} - found
    unlisted = folders.keys() - people.keys()
    implausible = sum(_age(row) is None and is_stated(row["a"]) for row in people.values())
    notes = layout.notes
    if unlisted:
        notes.append(f"{len(unlisted)} people have a folder and no row in combined_data.csv")
    if implausible:
        notes.append(f"{implausible} people typed an impossible age: read as not stated")
    return gather(records, missing, notes)


def _records(row: Row, audio: dict[str, Path]) -> list[Record]:
    dms = Dms(
        gender=read_gender(row["g"], row.where("g")),
        age=_age(row),
        medical_history=_ticked(row, HISTORY),
        symptoms=_ticked(row, SYMPTOMS),
    )
    covid19 = look_up(row["covid_status"], COVID19, "covid_status", row.where("covid_status"))
    return [
        Record(
            record_id=f"coswara/{row['id']}/{sound}",
            subject_id=f"coswara/{row['id']}",
            dataset="coswara",
            sound_type=sound,
            audio_path=audio[sound],
            dms=dms,
            labels={} if covid19 is None else {"covid19": covid19},
            site=read_words(row["l_c"]),
        )
        for sound in SOUNDS
        if sound in audio
    ]


def _age(row: Row) -> float | None:
    if not is_stated(row["a"]):
        return None
    years = read_number(row["a"], row.where("a"), "an age in years")
    return years if is_plausible_age(years) else None


def _ticked(row: Row, names: dict[str, str]) -> tuple[str, ...] | None:
    ticked = tuple(name for code, name in names.items() if is_ticked(row[code], row.where(code)))
    return ticked or None


DATASET = Dataset(
    name="coswara",
    title="Coswara",
    licence="CC BY 4.0",
    citation="Bhattacharya et al. 2023, Scientific Data 10, doi 10.1038/s41597-023-02266-0",
    url="https://github.com/iiscleap/Coswara-Data",
    layout="combined_data.csv, and Extracted_data/<yyyymmdd>/<id>/cough-heavy.wav and so on",
    reader=read,
)

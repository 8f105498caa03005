"""ICBHI 2017 Respiratory Sound Database: lung sounds of 126 patients, 920 recordings.

Provenance: University of Aveiro, Aristotle University of Thessaloniki, University of Coimbra;
    https://bhichallenge.med.auth.gr
Citation: Rocha et al. 2019, "An open access database for the evaluation of respiratory sound
    classification algorithms", Physiological Measurement 40 035001.
Licence: freely available for research.

`ICBHI_final_database/` holds `<patient>_<index>_<location>_<mode>_<device>.wav` and, for each, a
`.txt` with its breathing cycles. Three tab-separated tables without a header give diagnosis,
demographics and the official split. That split is by recording: patients 156 and 218 are in both
parts. Its table has 921 rows: 226_1b1_Pl_sc_Meditron is not among the 920 recordings.
"""

from __future__ import annotations

import re
from pathlib import Path

from respllm.datasets.codes import (
    is_ticked,
    look_up,
    read_gender,
    read_number,
    read_split,
    read_years,
)
from respllm.datasets.dataset import Dataset, DatasetContents, gather, require_folder
from respllm.datasets.delimited import Row, by_key, read_table_without_header
from respllm.datasets.layouts import find_layout
from respllm.datasets.on_disk import AUDIO_SUFFIXES, audio_by_stem
from respllm.errors import DataError
from respllm.types import Dms, Record, SoundEvent

LOCATIONS = {
    "tc": "trachea",
    "al": "left anterior chest",
    "ar": "right anterior chest",
    "pl": "left posterior chest",
    "pr": "right posterior chest",
    "ll": "left lateral chest",
    "lr": "right lateral chest",
}
"""Location code of a file name, in lower case, to its name."""

DIAGNOSES = {
    code.lower(): code
    for code in (
        "Asthma",
        "Bronchiectasis",
        "Bronchiolitis",
        "COPD",
        "Healthy",
        "LRTI",
        "Pneumonia",
        "URTI",
    )
}

PATIENT = {"patient": frozenset({"patient", "patientid", "patientnumber", "pid", "id"})}
DIAGNOSIS_TABLE = {**PATIENT, "diagnosis": frozenset({"diagnosis", "disease"})}
PEOPLE_TABLE = {
    **PATIENT,
    "age": frozenset({"age", "ageyears"}),
    "sex": frozenset({"sex", "gender"}),
    "adult BMI": frozenset({"adultbmi", "adultbmikgm2", "bmi"}),
    "child weight": frozenset({"childweight", "childweightkg", "weight"}),
    "child height": frozenset({"childheight", "childheightcm", "height"}),
}
SPLIT_TABLE = {
    "recording": frozenset({"recording", "file", "filename", "name"}),
    "split": frozenset({"split", "set", "subset", "part"}),
}
"""The three tables' columns in order -> what the header of a mirror's table may call them."""

_NAME = re.compile(r"(?P<patient>\d+)_[^_]+_(?P<location>[A-Za-z]+)_(sc|mc)_(?P<device>[^_]+)")


def read(root: Path) -> DatasetContents:
    """Read the folder `root`.

    Labels: "copd" (1 COPD, 0 Healthy, else unknown) and "diseased" (1 any diagnosis, 0 Healthy).
    Split: "official". Events: the breathing cycles. A patient whose cells are all NA states
    nothing.

    Raises:
        DataError: a missing table or annotation, a malformed row or name, an unknown code.
    """
    require_folder(root, DATASET)
    layout = find_layout(
        root, ["ICBHI_final_database", "ICBHI_Challenge_diagnosis.txt", "audio_and_txt_files"]
    )
    diagnoses = by_key(
        layout.headless_table(
            "ICBHI_Challenge_diagnosis.txt",
            DIAGNOSIS_TABLE,
            DIAGNOSIS_TABLE,
            ["patient_diagnosis.csv"],
        ),
        "patient",
    )
    people = by_key(
        layout.headless_table(
            "ICBHI_Challenge_demographic_information.txt",
            PEOPLE_TABLE,
            ["patient", "age", "sex"],
            ["demographic_info.txt"],
        ),
        "patient",
    )
    splits = {
        _stem(recording): row
        for recording, row in by_key(
            layout.headless_table("ICBHI_challenge_train_test.txt", SPLIT_TABLE, SPLIT_TABLE),
            "recording",
        ).items()
    }
    audio = audio_by_stem(layout.audio_folder("ICBHI_final_database", "audio_and_txt_files"))
    records = [_record(path, diagnoses, people, splits) for path in audio.values()]
    unlisted = audio.keys() - splits.keys()
    notes = layout.notes
    if unlisted:
        notes.append(f"{len(unlisted)} recordings are in no part of the official split")
    return gather(records, (f"icbhi/{stem}" for stem in splits.keys() - audio.keys()), notes)


def _stem(recording: str) -> str:
    """A recording's name, which mirrors give with an extension."""
    name = Path(recording)
    return name.stem if name.suffix.lower() in AUDIO_SUFFIXES else recording


def _record(
    path: Path, diagnoses: dict[str, Row], people: dict[str, Row], splits: dict[str, Row]
) -> Record:
    name = _NAME.fullmatch(path.stem)
    if name is None:
        raise DataError(
            f"Not the name of an ICBHI recording: {path.name!r}",
            where=str(path.parent),
            expected="<patient>_<index>_<location>_<sc or mc>_<device>",
            next_step="move the file elsewhere",
        )
    patient = name["patient"]
    for table, listed in (("diagnosis", diagnoses), ("demographic information", people)):
        if patient not in listed:
            raise DataError(
                f"Patient {patient} is not in the table of {table}",
                where=str(path),
                expected="one row for each patient",
                next_step="use the tables as published",
            )
    person, row = people[patient], diagnoses[patient]
    diagnosis = look_up(row["diagnosis"], DIAGNOSES, "diagnosis", row.where("diagnosis"))
    labels = {"diseased": int(diagnosis != "Healthy")}
    if diagnosis in {"COPD", "Healthy"}:
        labels["copd"] = int(diagnosis == "COPD")
    split = splits.get(path.stem)
    return Record(
        record_id=f"icbhi/{path.stem}",
        subject_id=f"icbhi/{patient}",
        dataset="icbhi",
        sound_type="lung",
        audio_path=path,
        dms=Dms(
            gender=read_gender(person["sex"], person.where("sex")),
            age=read_years(person["age"], person.where("age")),
            recording_location=look_up(name["location"], LOCATIONS, "location", str(path)),
        ),
        labels=labels,
        splits={}
        if split is None
        else {"official": read_split(split["split"], split.where("split"))},
        device=name["device"],
        events=_events(path.with_suffix(".txt")),
    )


def _events(path: Path) -> tuple[SoundEvent, ...]:
    rows = read_table_without_header(path, ["start", "end", "crackle", "wheeze"], "\t")
    events = []
    for row in rows:
        start = read_number(row["start"], row.where("start"))
        stop = read_number(row["end"], row.where("end"))
        if not 0 <= start < stop:
            raise DataError(
                "No stretch of time",
                where=row.where("end"),
                expected="an end after the start",
            )
        crackle, wheeze = (is_ticked(row[c], row.where(c)) for c in ("crackle", "wheeze"))
        events.append(SoundEvent(start, stop, crackle, wheeze))
    return tuple(sorted(events, key=lambda event: event.start))


DATASET = Dataset(
    name="icbhi",
    title="ICBHI 2017 Respiratory Sound Database",
    licence="free for research",
    citation="Rocha et al. 2019, Physiological Measurement 40 035001",
    url="https://bhichallenge.med.auth.gr",
    layout=(
        "ICBHI_final_database/ with recordings and their .txt annotations, and the three tables "
        "ICBHI_Challenge_diagnosis.txt, ICBHI_Challenge_demographic_information.txt and "
        "ICBHI_challenge_train_test.txt"
    ),
    reader=read,
)

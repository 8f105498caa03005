"""COVID-19 Sounds: breaths, coughs and voice of 36,116 people, collected by phone and web.

Provenance: University of Cambridge; https://www.covid-19-sounds.org
Citation: Xia et al. 2021, "COVID-19 Sounds: A Large-Scale Audio Dataset for Digital Respiratory
    Screening", NeurIPS Datasets and Benchmarks.
Licence: only under a data transfer agreement with the University of Cambridge.

The recordings read are those of the two published benchmark tables: `data_0426_en_task1.csv`
(here "task1", whose label RespLLM takes for smoking) and `data_0426_en_task2.csv` ("task2",
COVID-19). Who the people are stands in task 1's own table and in
`results_raw_20210426_lan_yamnet_{android,ios,web}_noloc.csv`, beside them or in
`covid19_data_0426_metadata/`. Audio: `<uid>/<folder>/<file>`, or `form-app-users/<folder>/<file>`
from the web, under `0426_EN_used_task1/`, `0426_EN_used_task2/`, `covid19_data_0426/` or the root.
Columns and codes are known from the code of the dataset's users, not from the files. The voice is
not used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from respllm.datasets.codes import is_stated, look_up, read_age, read_gender, read_words
from respllm.datasets.dataset import Dataset, DatasetContents, gather, require_folder
from respllm.datasets.delimited import Row, read_table_with_header
from respllm.datasets.layouts import find_layout
from respllm.datasets.on_disk import audio_by_stem
from respllm.errors import DataError
from respllm.types import Dms, Record, Split

HISTORY = {
    "angina": "angina",
    "asthma": "asthma",
    "cancer": "cancer",
    "copd": "chronic obstructive pulmonary disease",
    "cystic": "cystic fibrosis",
    "diabetes": "diabetes",
    "hbp": "hypertension",
    "heart": "heart attack",
    "hiv": "HIV or impaired immunity",
    "long": "other long-term condition",
    "longterm": "other long-term condition",
    "lung": "other lung disease",
    "organ": "organ transplant",
    "otherheart": "other heart disease",
    "pulmonary": "pulmonary fibrosis",
    "stroke": "stroke or transient ischaemic attack",
    "valvular": "valvular heart disease",
}
"""Medhistory code, in lower case, to its name."""

SYMPTOMS = {
    "chills": "chills",
    "dizziness": "dizziness",
    "drycoough": "dry cough",
    "drycough": "dry cough",
    "fever": "fever",
    "headache": "headache",
    "muscleache": "muscle pain",
    "runny": "runny or blocked nose",
    "runnyblockednose": "runny or blocked nose",
    "shortbreath": "shortness of breath",
    "smelltasteloss": "loss of smell or taste",
    "sorethroat": "sore throat",
    "tighness": "chest tightness",
    "tightness": "chest tightness",
    "wetcough": "wet cough",
}
"""Symptoms code, in lower case and with the published misspellings, to its name."""

SOUNDS = ("breath", "cough")
TASK1, TASK2 = "data_0426_en_task1.csv", "data_0426_en_task2.csv"
RAW = "results_raw_20210426_lan_yamnet_*_noloc.csv"
WEB = "form-app-users"

_AUDIO_ROOTS = ("0426_EN_used_task1", "0426_EN_used_task2", "covid19_data_0426", ".")
_PERSON = ["Age", "Sex", "Medhistory", "Symptoms", "Language"]
_FILES = ["Uid", "Folder Name", "Breath filename", "Cough filename"]
_LABELS = {"0": 0, "1": 1}
_TASK1_SPLITS: dict[str, Split] = {"0": "train", "1": "validation", "2": "test"}
_TASK2_SPLITS: dict[str, Split] = {"train": "train", "validation": "validation", "test": "test"}

Key = tuple[str, str, str]
"""One recording, whatever its format: directory, folder, file stem."""


@dataclass(slots=True)
class _Listed:
    """What the tables say of one recording."""

    sound: str
    labels: dict[str, int] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    person: Row | None = None
    platform: str | None = None


def read(root: Path) -> DatasetContents:
    """Read the folder `root`.

    Labels: "smoker" (task 1) and "covid19" (task 2), splits "task1" and "task2"; a recording in
    both tables is one record. A person's statements come from task 1's row or else from the
    first row of the raw tables that names the file. `device` is the platform.

    Raises:
        DataError: a missing table or column, a malformed row, an unknown code, a recording
            listed twice in one table.
    """
    require_folder(root, DATASET)
    layout = find_layout(root, [TASK1, TASK2])
    root = layout.root
    task1 = layout.table(TASK1, [*_FILES, *_PERSON, "Smoking", "split", "label"], ";")
    task2 = layout.table(TASK2, [*(f"{sound}_path" for sound in SOUNDS), "label", "fold"])
    listed: dict[Key, _Listed] = {}
    for row in task1:
        for key, sound in _named(row):
            _add(listed, key, sound, row, ("task1", "smoker"), ("split", _TASK1_SPLITS))
            listed[key].person = row
    for row in task2:
        for key, sound in _named_by_path(row):
            _add(listed, key, sound, row, ("task2", "covid19"), ("fold", _TASK2_SPLITS))
    _add_people(root, listed)
    audio = _find(root, listed)
    records = [_record(key, listed[key], path) for key, path in audio.items()]
    missing = (_record_id(key) for key in listed.keys() - audio.keys())
    notes = _notes(task1, task2, [listed[key] for key in audio])
    return gather(records, missing, [*layout.notes, *notes])


def _notes(task1: list[Row], task2: list[Row], found: list[_Listed]) -> list[str]:
    unnamed = sum(len(SOUNDS) - len(_named(row)) for row in task1)
    unnamed += sum(len(SOUNDS) - len(_named_by_path(row)) for row in task2)
    unknown = sum(entry.person is None for entry in found)
    never = [row["label"] for row in task1 if row["Smoking"].lower() == "never"]
    notes = []
    if unnamed:
        notes.append(f"{unnamed} sounds have no file name in {TASK1} and {TASK2}")
    if unknown:
        notes.append(f"{unknown} recordings are in no raw table: nothing is stated for them")
    if "1" in never:
        notes.append(
            f"{never.count('1')} of the {len(never)} rows of task 1 that state 'never' for smoking "
            "have the label 1: the dataset's authors describe that label as having respiratory "
            "symptoms, RespLLM takes it for smoking"
        )
    return notes


def _add_people(root: Path, listed: dict[Key, _Listed]) -> None:
    """Enter who the people are and on which platform they recorded, from the raw tables."""
    paths = sorted([*root.glob(RAW), *(root / "covid19_data_0426_metadata").glob(RAW)])
    if not paths:
        raise DataError(
            f"The tables {RAW} are missing",
            where=str(root),
            expected=DATASET.layout,
            next_step="add the files from the publisher's download",
        )
    for path in paths:
        platform = path.stem.split("_")[-2]
        for row in read_table_with_header(path, [*_FILES, *_PERSON], ";"):
            for key, _ in _named(row):
                if key in listed:
                    listed[key].person = listed[key].person or row
                    listed[key].platform = listed[key].platform or platform


def _named(row: Row) -> list[tuple[Key, str]]:
    """The recordings that a row names, with their sounds."""
    # A web participant has no id but the folder, and all their folders lie in one directory.
    web = row["Uid"] == WEB or row["Uid"].startswith(("2020", "2021"))
    directory = WEB if web else row["Uid"]
    files = {sound: row[f"{sound.capitalize()} filename"] for sound in SOUNDS}
    return [
        ((directory, row["Folder Name"], Path(name).stem), sound)
        for sound, name in files.items()
        if is_stated(name)
    ]


def _named_by_path(row: Row) -> list[tuple[Key, str]]:
    """The same for a row of task 2, which gives paths (in the Windows way)."""
    named = []
    for sound in SOUNDS:
        column = f"{sound}_path"
        if not is_stated(row[column]):
            continue
        parts = PureWindowsPath(row[column]).parts
        if len(parts) < 3:
            raise DataError(
                "Not the path of a recording",
                where=row.where(column),
                expected=r"<uid or form-app-users>\<folder>\<file>",
            )
        named.append(((parts[-3], parts[-2], Path(parts[-1]).stem), sound))
    return named


def _add(
    listed: dict[Key, _Listed],
    key: Key,
    sound: str,
    row: Row,
    names: tuple[str, str],
    split: tuple[str, dict[str, Split]],
) -> None:
    """Enter one table's split and label under `names`; `split` is its column and its codes."""
    entry = listed.setdefault(key, _Listed(sound))
    task, label = names
    column, codes = split
    if task in entry.splits or entry.sound != sound:
        raise DataError(
            f"The recording {_record_id(key)} is listed twice",
            where=f"{row.path}, line {row.line}",
            expected="one row for each recording",
            next_step="remove the row that is wrong",
        )
    entry.splits[task] = look_up(row[column], codes, "split", row.where(column))
    entry.labels[label] = look_up(row["label"], _LABELS, "label", row.where("label"))


def _find(root: Path, listed: dict[Key, _Listed]) -> dict[Key, Path]:
    """The audio file of each recording that is there; each folder is read once."""
    found: dict[Key, Path] = {}
    for directory, folder in sorted({key[:2] for key in listed}):
        places = [root / base / directory / folder for base in _AUDIO_ROOTS]
        for place in filter(Path.is_dir, places):
            for stem, path in audio_by_stem(place).items():
                if (directory, folder, stem) in listed:
                    found.setdefault((directory, folder, stem), path)
    return found


def _record_id(key: Key) -> str:
    return "covid19_sounds/" + "/".join(key)


def _record(key: Key, listed: _Listed, path: Path) -> Record:
    directory, folder, _ = key
    web = directory == WEB
    return Record(
        record_id=_record_id(key),
        subject_id=f"covid19_sounds/{folder if web else directory}",
        dataset="covid19_sounds",
        sound_type=listed.sound,
        audio_path=path,
        dms=Dms() if listed.person is None else _dms(listed.person),
        labels=listed.labels,
        splits=listed.splits,
        device=listed.platform or ("web" if web else None),
        language=None if listed.person is None else read_words(listed.person["Language"]),
    )


def _dms(row: Row) -> Dms:
    return Dms(
        gender=read_gender(row["Sex"], row.where("Sex")),
        age=read_age(row["Age"], row.where("Age")),
        medical_history=_names(row, "Medhistory", HISTORY),
        symptoms=_names(row, "Symptoms", SYMPTOMS),
    )


def _names(row: Row, column: str, names: dict[str, str]) -> tuple[str, ...] | None:
    """A comma-separated list of codes, stray commas allowed; only "None" states that none is."""
    codes = [code.strip() for code in row[column].split(",") if code.strip()]
    stated = [code for code in codes if is_stated(code)]
    if not stated:
        return () if any(code.lower() == "none" for code in codes) else None
    where = row.where(column)
    return tuple(dict.fromkeys(look_up(code, names, column, where) for code in stated))


DATASET = Dataset(
    name="covid19_sounds",
    title="COVID-19 Sounds",
    licence="data transfer agreement, University of Cambridge",
    citation="Xia et al. 2021, NeurIPS Datasets and Benchmarks",
    url="https://www.covid-19-sounds.org",
    layout=(
        f"{TASK1}, {TASK2}, {RAW}, and the recordings as <uid>/<folder>/<file> under "
        f"{', '.join(f'{base}/' for base in _AUDIO_ROOTS[:-1])} or beside the tables"
    ),
    reader=read,
    agreement_only=True,
)

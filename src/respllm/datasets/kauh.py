"""KAUH: lung sounds recorded from the chest wall with an electronic stethoscope, 112 patients.

Provenance: King Abdullah University Hospital, Jordan; Mendeley Data, doi 10.17632/jwyy9np4gv.
Citation: Fraiwan et al. 2021, "A dataset of lung sounds recorded from the chest wall using an
    electronic stethoscope", Data in Brief 35 106913.
Licence: CC BY 4.0.

`Audio Files/` holds each patient's recording three times, through the stethoscope's filters
(B bell, D diaphragm, E extended):
`<filter>P<patient>_<diagnosis>,<sound type>,<location>,<age>,<sex>.wav`, in varying case and
spelling. The file names are the source. `Data annotation.xlsx` repeats them by row without naming
patients and is not read; it differs in the location of patients 2 and 3 ("P L L" for "P L L R"),
4 to 7 ("P R L" for "P L R"), 26 ("P L L" for "P") and 105 ("A R U" for "A U R").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from respllm.datasets.codes import is_stated, look_up, read_gender, read_years
from respllm.datasets.dataset import Dataset, DatasetContents, gather, require_folder
from respllm.datasets.index import published_index
from respllm.datasets.layouts import find_layout
from respllm.datasets.on_disk import audio_by_stem
from respllm.errors import DataError
from respllm.types import Dms, Record, Split

DIAGNOSES = {
    "asthma": "asthma",
    "bron": "bronchitis",
    "copd": "copd",
    "heart failure": "heart failure",
    "lung fibrosis": "lung fibrosis",
    "n": "normal",
    "pleural effusion": "pleural effusion",
    "plueral effusion": "pleural effusion",
    "pneumonia": "pneumonia",
}
"""Diagnosis in a file name, in lower case, to its name."""

SOUND_TYPES = {
    "i": "inspiratory",
    "e": "expiratory",
    "w": "wheezes",
    "c": "crackles",
    "crep": "crepitations",
    "b": "bronchial",
    "bronchial": "bronchial",
    "n": "normal",
}
"""Sound type letters, in lower case. They only check the name: a recording is abnormal exactly
when there is a diagnosis."""

FILTERS = ("B", "D", "E")

_NAME = re.compile(r"(?P<filter>[BDE])P(?P<patient>\d+)_(?P<fields>.+)", re.IGNORECASE)
_POSITIONS = {"p": "posterior", "a": "anterior"}
_SIDES = {"r": "right", "u": "upper", "m": "middle", "l": "left"}


def read(root: Path) -> DatasetContents:
    """Read the folder `root`.

    Labels: "copd" and "asthma" (1 if the diagnosis contains it, also beside another one; 0 if
    normal; else unknown), "diseased" (1 any diagnosis, 0 normal). Splits: "opera" and
    "opera_train_test", published with the OPERA benchmark for asthma, COPD and healthy; the
    first is not disjoint by patient. Missing: a filter of a patient whose other filters are
    there. `device` is the filter.

    Raises:
        DataError: a missing folder, a malformed file name, an unknown code.
    """
    require_folder(root, DATASET)
    layout = find_layout(root, ["Audio Files", "AudioFiles", "Audio_Files", "Data annotation.xlsx"])
    audio = audio_by_stem(layout.audio_folder("Audio Files", "AudioFiles", "Audio_Files"))
    splits = {_plain(row.name): row.splits for row in published_index("kauh")}
    records = [_record(path, splits.get(_plain(stem), {})) for stem, path in audio.items()]
    expected = {
        f"kauh/{letter}P{record.subject_id.removeprefix('kauh/')}"
        for record in records
        for letter in FILTERS
    }
    missing = expected - {record.record_id for record in records}
    return gather(records, missing, layout.notes)


def location(code: str, where: str) -> str:
    """The place on the chest wall: the position, then the side words in the order written.

    "P R U" is "posterior right upper". An L is "left" or "lower": the last one is "lower" where
    no other letter tells the level and a side is told by another L or R ("P L L" is "posterior
    left lower", "P L R" is "posterior lower right", "P L L R" is "posterior left lower right").

    Raises:
        DataError: anything that cannot be read in this way.
    """
    position, *letters = re.findall(r"\w", code.lower()) or [""]
    words = [look_up(letter, _SIDES, "location", where) for letter in letters]
    if "left" in words and len(words) > 1 and not {"upper", "middle"} & set(words):
        words[len(words) - 1 - words[::-1].index("left")] = "lower"
    if len(set(words)) < len(words):
        raise DataError(
            f"No place on the chest: {code!r}",
            where=where,
            expected="P or A, then a side (L, R) and a level (U, M, L)",
        )
    return " ".join([look_up(position, _POSITIONS, "position", where), *words])


def _record(path: Path, splits: Mapping[str, Split]) -> Record:
    name = _NAME.fullmatch(path.stem)
    fields = [] if name is None else [field.strip() for field in name["fields"].split(",")]
    if name is None or len(fields) != 5:
        raise DataError(
            f"Not the name of a KAUH recording: {path.name!r}",
            where=str(path.parent),
            expected="<B, D or E>P<patient>_<diagnosis>,<sound type>,<location>,<age>,<sex>",
            next_step="move the file elsewhere",
        )
    diagnosis, sound, place, age, sex = fields
    where, patient = str(path), int(name["patient"])
    for word in sound.split():
        look_up(word, SOUND_TYPES, "sound type", where)
    return Record(
        record_id=f"kauh/{name['filter'].upper()}P{patient}",
        subject_id=f"kauh/{patient}",
        dataset="kauh",
        sound_type="lung",
        audio_path=path,
        dms=Dms(
            gender=read_gender(sex, where),
            age=read_years(age, where),
            recording_location=location(place, where) if is_stated(place) else None,
        ),
        labels=_labels(diagnosis, where),
        splits=dict(splits),
        device=f"filter {name['filter'].upper()}",
    )


def _labels(diagnosis: str, where: str) -> dict[str, int]:
    parts = re.split(r"\+|\band\b", diagnosis, flags=re.IGNORECASE)
    found = {look_up(" ".join(part.split()), DIAGNOSES, "diagnosis", where) for part in parts}
    if found == {"normal"}:
        return {"diseased": 0, "copd": 0, "asthma": 0}
    return {"diseased": 1} | {name: 1 for name in ("copd", "asthma") if name in found}


def _plain(stem: str) -> str:
    """A file name without case and white space, to compare it with the index."""
    return "".join(stem.lower().split())


DATASET = Dataset(
    name="kauh",
    title="KAUH lung sounds",
    licence="CC BY 4.0",
    citation="Fraiwan et al. 2021, Data in Brief 35 106913",
    url="https://doi.org/10.17632/jwyy9np4gv",
    layout="'Audio Files/' with BP1_Asthma,I E W,P L L,70,M.wav and so on",
    reader=read,
)

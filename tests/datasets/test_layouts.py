"""Layouts beside the published ones: recognised, told, and with the same records."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from respllm.datasets import DATASETS, load_contents
from respllm.errors import DataError
from tests.datasets.layouts import WRITERS, write_audio

Rearrange = Callable[[Path], None]


def one_deeper(root: Path) -> None:
    deeper(root, "release-master")


def two_deeper(root: Path) -> None:
    deeper(root, "Data")
    deeper(root, "Data")


def deeper(root: Path, name: str) -> None:
    aside = root.with_name("aside")
    root.rename(aside)
    root.mkdir()
    aside.rename(root / name)


def within_itself(folder: str) -> Rearrange:
    return lambda root: deeper(root / folder, folder)


def renamed(before: str, after: str) -> Rearrange:
    return lambda root: (root / before).rename(root / after) and None


def flat(folder: str) -> Rearrange:
    def rearrange(root: Path) -> None:
        for path in (root / folder).iterdir():
            path.rename(root / path.name)
        (root / folder).rmdir()

    return rearrange


def separated(table: str, before: str, after: str) -> Rearrange:
    return lambda root: rewrite(root / table, lambda text: text.replace(before, after))


def rewrite(path: Path, change: Callable[[str], str], name: str | None = None) -> None:
    text = change(path.read_text())
    path.unlink()
    (path.parent / (name or path.name)).write_text(text)


def converted(root: Path) -> None:
    for path in list(root.rglob("*.wav")):
        path.with_suffix(".flac").write_bytes(b"not opened")
        path.unlink()


def icbhi_with_headers(delimiter: str) -> Rearrange:
    headers = {
        "ICBHI_Challenge_diagnosis.txt": ["Patient_ID", "Diagnosis"],
        "ICBHI_Challenge_demographic_information.txt": [
            *("patient", "Age", "Sex", "BMI", "Weight", "Height")
        ],
        "ICBHI_challenge_train_test.txt": ["file", "set"],
    }

    def rearrange(root: Path) -> None:
        for name, header in headers.items():
            head = delimiter.join(header) + "\n"
            rewrite(root / name, lambda text, head=head: head + text.replace("\t", delimiter))

    return rearrange


def icbhi_of_kaggle(root: Path) -> None:
    """The mirror on Kaggle, to which the official split was added."""
    inner = root / "Respiratory_Sound_Database" / "Respiratory_Sound_Database"
    inner.mkdir(parents=True)
    (root / "ICBHI_final_database").rename(inner / "audio_and_txt_files")
    diagnosis = root / "ICBHI_Challenge_diagnosis.txt"
    diagnosis.rename(inner / diagnosis.name)
    rewrite(inner / diagnosis.name, lambda t: t.replace("\t", ","), "patient_diagnosis.csv")
    rewrite(
        root / "ICBHI_Challenge_demographic_information.txt",
        lambda text: text.replace("\t", " "),
        "demographic_info.txt",
    )
    write_audio(inner / "audio_and_txt_files" / ".hidden.wav")


def days_in_themselves(root: Path) -> None:
    for day in list((root / "Extracted_data").iterdir()):
        deeper(day, day.name)


CASES: list[tuple[str, Rearrange, list[str]]] = [
    *((name, one_deeper, ["the data lie in release-master/"]) for name in DATASETS),
    *((name, two_deeper, ["the data lie in Data/Data/"]) for name in DATASETS),
    ("icbhi", flat("ICBHI_final_database"), ["the recordings lie beside the tables"]),
    (
        "icbhi",
        within_itself("ICBHI_final_database"),
        ["the recordings lie in ICBHI_final_database/ICBHI_final_database/"],
    ),
    *(
        ("icbhi", icbhi_with_headers(delimiter), [f"{name}-separated with a header"] * 3)
        for name, delimiter in (("comma", ","), ("space", " "), ("semicolon", ";"), ("tab", "\t"))
    ),
    (
        "icbhi",
        icbhi_of_kaggle,
        [
            "the data lie in Respiratory_Sound_Database/Respiratory_Sound_Database/",
            "patient_diagnosis.csv is comma-separated",
            "demographic_info.txt is space-separated",
            "the recordings lie in audio_and_txt_files/ instead of ICBHI_final_database/",
        ],
    ),
    ("icbhi", converted, []),
    ("kauh", flat("Audio Files"), ["the recordings lie beside the tables"]),
    ("kauh", renamed("Audio Files", "AudioFiles"), ["the recordings lie in AudioFiles/"]),
    ("kauh", within_itself("Audio Files"), ["the recordings lie in Audio Files/Audio Files/"]),
    ("kauh", converted, []),
    ("coswara", flat("Extracted_data"), ["the days lie beside the tables"]),
    ("coswara", within_itself("Extracted_data"), ["lie in Extracted_data/Extracted_data/"]),
    ("coswara", days_in_themselves, ["2 days lie within a folder of their own name"]),
    ("coswara", separated("combined_data.csv", ",", ";"), ["csv is semicolon-separated"]),
    ("coswara", converted, []),
    ("uk_covid19", within_itself("audio"), ["the recordings lie in audio/audio/"]),
    ("uk_covid19", renamed("audio", "covid_data"), []),
    ("uk_covid19", flat("audio"), []),
    ("uk_covid19", separated("train_test_splits.csv", ",", "\t"), ["csv is tab-separated"]),
    ("uk_covid19", converted, []),
    ("covid19_sounds", converted, []),
]


@pytest.mark.parametrize(
    ("name", "rearrange", "told"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)]
)
def test_a_layout_that_people_have_gives_the_same_records(
    name: str, rearrange: Rearrange, told: list[str], tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / "published" / name)
    WRITERS[name](tmp_path / "theirs" / name)
    rearrange(tmp_path / "theirs" / name)
    published = load_contents(name, tmp_path / "published")
    contents = load_contents(name, tmp_path / "theirs")
    assert len(contents.records) == len(published.records)
    for one, other in zip(contents.records, published.records, strict=True):
        assert (one.record_id, one.subject_id) == (other.record_id, other.subject_id)
        assert (one.dms, one.labels, one.splits) == (other.dms, other.labels, other.splits)
        assert one.events == other.events
        assert one.audio_path.is_file()
    assert contents.missing == published.missing
    new = [note for note in contents.notes if note not in published.notes]
    assert len(new) == len(told)
    for note, words in zip(new, told, strict=True):
        assert note.startswith("layout: ")
        assert words in note


def test_two_copies_of_a_dataset_are_not_guessed_between(tmp_path: Path) -> None:
    WRITERS["kauh"](tmp_path / "kauh" / "one")
    shutil.copytree(tmp_path / "kauh" / "one", tmp_path / "kauh" / "two")
    with pytest.raises(DataError, match="Two folders look like the dataset: one and two"):
        load_contents("kauh", tmp_path)


@pytest.mark.parametrize(
    "header",
    ["age,patient,gender", "who,age,sex,bmi,weight,height", "patient,age,sex,age,weight,height"],
)
def test_a_header_that_does_not_fit_is_no_header(data_root: Path, header: str) -> None:
    path = data_root / "icbhi" / "ICBHI_Challenge_demographic_information.txt"
    rewrite(path, lambda text: f"{header}\n{text.replace(chr(9), ',')}")
    with pytest.raises(DataError, match=r"demographic_information\.txt, line (1|2)"):
        load_contents("icbhi", data_root)


def test_columns_go_by_their_header_not_by_their_place(data_root: Path) -> None:
    published = load_contents("icbhi", data_root)
    path = data_root / "icbhi" / "ICBHI_Challenge_demographic_information.txt"
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    path.write_text("sex,age,patient\n" + "".join(f"{r[2]},{r[1]},{r[0]}\n" for r in rows))
    assert [r.dms for r in load_contents("icbhi", data_root).records] == [
        r.dms for r in published.records
    ]


def test_a_space_separated_row_with_a_missing_cell_is_named(data_root: Path) -> None:
    path = data_root / "icbhi" / "ICBHI_Challenge_diagnosis.txt"
    path.write_text("patient diagnosis\n101 URTI\n102\n")
    with pytest.raises(DataError, match=r"line 3.*2 space-separated values, as in the first row"):
        load_contents("icbhi", data_root)

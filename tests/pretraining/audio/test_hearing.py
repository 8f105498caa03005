"""Nobody is heard who is never to be heard."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from respllm.audio import AudioIndex
from respllm.config import read_yaml
from respllm.datasets import load_contents
from respllm.errors import ConfigError, DataError
from respllm.pretraining.audio import AudioPretraining
from respllm.pretraining.audio.hearing import Chosen, choose
from respllm.tasks import Task
from respllm.tasks.removed import Removal, Removed, name_hash
from respllm.tasks.selection import person_naming
from tests.audio.sounds import noise, write
from tests.conftest import REPOSITORY
from tests.pretraining.audio.making import recordings, settings

SHIPPED = sorted((REPOSITORY / "configs").glob("pretrain_audio*.yaml"))


def heard(chosen: Chosen) -> set[str]:
    return {r.record_id for some in chosen.records.values() for r in some}


@pytest.fixture
def coughs(tmp_path: Path) -> Path:
    """A table of two sources that share one recording under two names."""
    rows = []
    for name, source, seed in [
        ("a", "telegram", 1),
        ("b", "telegram", 2),
        ("c", "telegram", 3),
        ("d", "call-center", 3),  # the same bytes as c
        ("e", "call-center", 4),
    ]:
        write(tmp_path / "coughs" / "raw" / f"{name}.wav", noise(1, seed=seed))
        rows.append({"filename": f"{name}.wav", "source": source, "covid19": True})
    (tmp_path / "coughs" / "metadata.json").write_text(json.dumps(rows))
    return tmp_path


def table(source: str) -> dict:
    return {
        "table": {
            "table": "coughs/metadata.json",
            "audio_root": "coughs/raw",
            "audio_column": "filename",
            "where": {"source": source},
        }
    }


def test_a_sound_that_is_never_heard_is_not_heard_under_another_name(coughs: Path) -> None:
    run = settings(hear=[table("telegram")], never=[table("call-center")])
    assert heard(choose(run, coughs, coughs)) == {"coughs/a.wav", "coughs/b.wav"}


def test_a_person_of_both_parts_is_not_heard(small_cohort: Path, tmp_path: Path) -> None:
    shutil.copytree(small_cohort / "icbhi", tmp_path / "icbhi")
    table = tmp_path / "icbhi" / "ICBHI_challenge_train_test.txt"
    lines = table.read_text().splitlines()
    tested = next(line.split("\t")[0] for line in lines if line.endswith("test"))
    person, _, *rest = tested.split("_")
    second = "_".join([person, "9b9", *rest])
    folder = tmp_path / "icbhi" / "ICBHI_final_database"
    write(folder / f"{second}.wav", noise(3))
    shutil.copy(folder / f"{tested}.txt", folder / f"{second}.txt")
    table.write_text("\n".join([*lines, f"{second}\ttrain"]) + "\n")
    part = {"dataset": "icbhi", "split": "official"}
    hears = settings(hear=[part | {"part": "train"}])
    assert f"icbhi/{second}" in heard(choose(hears, tmp_path, tmp_path))
    never = settings(hear=[part | {"part": "train"}], never=[part | {"part": "test"}])
    chosen = choose(never, tmp_path, tmp_path)
    assert chosen.records["icbhi"]
    assert f"icbhi/{person}" not in {r.subject_id for r in chosen.records["icbhi"]}


def test_copies_are_heard_once(tmp_path: Path) -> None:
    folder = recordings(tmp_path / "sounds", 3)
    shutil.copy(folder / "person0.wav", folder / "copy.wav")
    chosen = choose(settings(), tmp_path, tmp_path)
    assert len(heard(chosen)) == len(chosen.contents) == 3
    assert "3 of 4" in chosen.notes[0]


def test_people_who_were_removed_are_not_heard(small_cohort: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(small_cohort / "coswara", data / "coswara")
    gone = load_contents("coswara", data).records[0].subject_id
    Removed((Removal(people=(name_hash(gone),), listed="2026-01-01"),)).write(data)
    chosen = choose(settings(hear=[{"dataset": "coswara"}]), data, data)
    assert gone not in {r.subject_id for r in chosen.records["coswara"]}
    assert any("removed" in note for note in chosen.notes)


def test_people_of_a_table_who_were_removed_are_not_heard(tmp_path: Path) -> None:
    recordings(tmp_path / "own", 3)
    (tmp_path / "own" / "table.csv").write_text(
        "audio,who\n" + "".join(f"person{n}.wav,p{n}\n" for n in range(3))
    )
    source = {"table": "own/table.csv", "subject_column": "who"}
    words = dict.fromkeys(
        ("dataset_description", "question", "sound", "word_for_1", "word_for_0"), "x"
    )
    task = Task.model_validate({"id": "mine", "table": source, **words}).located(tmp_path)
    name = person_naming(task, tmp_path)("mine/p1")  # as `respllm forget` writes it
    Removed((Removal(people=(name_hash(name),), listed="2026-01-01"),)).write(tmp_path)
    chosen = choose(settings(hear=[{"table": source}]), tmp_path, tmp_path)
    assert {r.subject_id for r in chosen.records["own"]} == {"own/p0", "own/p2"}


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    recordings(tmp_path / "sounds", 2)
    run = settings(never=[{"folder": "sounds"}])
    with pytest.raises(DataError, match="Nothing is left"):
        choose(run, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "exactly one"),
        ({"dataset": "icbhi", "folder": "a"}, "exactly one"),
        ({"dataset": "icbhi", "part": "train"}, "need each other"),
        ({"folder": "a", "split": "official", "part": "train"}, "belong to a `dataset`"),
    ],
)
def test_a_source_is_one_thing(source: dict, message: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps({"name": "run", "hear": [source]}))
    with pytest.raises(ConfigError, match=message):
        read_yaml(path, AudioPretraining)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="sounds"):
        choose(settings(), tmp_path, tmp_path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_never_hears_who_is_held_out(path: Path, shared_data: Path) -> None:
    run = read_yaml(path, AudioPretraining)
    chosen = choose(run, shared_data, path.parent)
    index = AudioIndex()
    held_out = list(load_contents("kauh", shared_data).records)
    held_out += [
        record
        for record in load_contents("icbhi", shared_data).records
        if record.splits.get("official") == "test"
    ]
    rows = json.loads((shared_data / "covid19_cough" / "metadata.json").read_text())
    calls = {row["filename"] for row in rows if row["source"] != "telegram"}
    paths = [record.audio_path for record in held_out]
    paths += [shared_data / "covid19_cough" / "raw" / name for name in calls]
    facts = index.facts_of(paths)
    assert not chosen.contents & {fact.sha256 for fact in facts.values()}
    records = [record for some in chosen.records.values() for record in some]
    people = {record.subject_id for record in held_out}
    assert records
    assert not people & {record.subject_id for record in records}
    assert {record.dataset for record in records} <= {"icbhi", "coswara", "covid19_cough"}
    assert not calls & {record.audio_path.name for record in records}


def test_a_person_of_a_missing_file_is_not_heard_either(tmp_path: Path) -> None:
    recordings(tmp_path / "clinic", 3)
    named = {"audio_column": "file", "subject_column": "who"}
    for name, rows in {
        "yes": "person0.wav,A\nperson1.wav,B\n",
        "never": "missing.wav,A\nperson2.wav,C\n",
    }.items():
        (tmp_path / "clinic" / f"{name}.csv").write_text(f"file,who\n{rows}")
    hear, never = ({"table": {"table": f"clinic/{name}.csv", **named}} for name in ("yes", "never"))
    found = choose(settings(hear=[hear], never=[never]), tmp_path, tmp_path)
    assert heard(found) == {"clinic/person1.wav"}


def test_a_never_that_is_not_here_is_an_error(coughs: Path) -> None:
    never = table("call-center")
    never["table"]["audio_root"] = "coughs/rwa"
    with pytest.raises(DataError, match="never to be heard"):
        choose(settings(hear=[table("telegram")], never=[never]), coughs, coughs)

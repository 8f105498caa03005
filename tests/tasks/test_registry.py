"""Finding tasks: the thirteen, your own files, and what is said to a wrong name."""

from __future__ import annotations

from pathlib import Path

import pytest

from respllm.errors import ConfigError, DataError
from respllm.tasks import builtin_tasks, get_task
from tests.tasks.making import WORDS, task_file

TABLE = "table: {table: cohort.csv, subject_column: who}"


def test_the_thirteen_tasks_of_table_1() -> None:
    tasks = builtin_tasks()
    assert list(tasks) == [*(f"S{i}" for i in range(1, 8)), *(f"T{i}" for i in range(1, 7))]
    assert {t.role for i, t in tasks.items() if i.startswith("S")} == {"source"}
    assert {t.role for i, t in tasks.items() if i.startswith("T")} == {"target"}
    table = {t.id: (t.dataset_name, t.sound_type, t.condition_name) for t in tasks.values()}
    assert table["S5"] == ("covid19_sounds", "breath", "smoking")
    assert table["T1"] == ("coswara", "cough-shallow", "COVID-19")
    assert table["T6"] == ("kauh", "lung", "asthma")
    assert len(set(table.values())) == 13


@pytest.mark.parametrize(("typed", "meant"), [("s7", "'S7'"), ("T66", "'T6'")])
def test_an_unknown_task_gets_a_near_miss(typed: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"Unknown task '{typed}'. Did you mean {meant}"):
        get_task(typed)


def test_an_unknown_protocol_gets_a_near_miss() -> None:
    with pytest.raises(ConfigError, match=r"Unknown protocol 'Clean'. Did you mean 'clean'"):
        get_task("S7").select("nowhere", "Clean")  # type: ignore[arg-type]


def test_a_dataset_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ICBHI") as caught:
        get_task("S7").examples(tmp_path, "test")
    assert str(tmp_path / "icbhi") in str(caught.value)


def test_an_unknown_part_gets_a_near_miss(small_cohort: Path) -> None:
    with pytest.raises(ConfigError, match=r"Unknown split 'tests'. Did you mean 'test'"):
        get_task("S7").examples(small_cohort, "tests", "clean")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (f"{TABLE}\nsoud: cough", "Unknown key 'soud'. Did you mean 'sound'"),
        ("dataset: {name: icbhi, sound_type: lung, lable: copd}", "Did you mean 'label'"),
        ("", "exactly one of `dataset` and `table`"),
        (f"{TABLE}\ndataset: {{name: icbhi, sound_type: lung, label: copd}}", "exactly one of"),
        (f"{TABLE}\nrole: both", "role"),
    ],
)
def test_a_task_file_with_a_wrong_key(tmp_path: Path, source: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        task_file(tmp_path, "mine", source)
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize("taken", ["S7", "icbhi"])
def test_an_id_that_is_taken(tmp_path: Path, taken: str) -> None:
    with pytest.raises(ConfigError, match="choose another id"):
        task_file(tmp_path, taken, TABLE)


def test_a_task_file_is_found_from_its_folder_and_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.yml").write_text(f"id: mine\n{WORDS}{TABLE}\ncondition: wheezing\n")
    monkeypatch.chdir(tmp_path)
    tasks = [
        get_task("sub/mine.yml"),
        get_task("mine.yml", tmp_path / "sub"),
        get_task(tmp_path / "sub" / "mine.yml"),
    ]
    assert {task.folder.resolve() for task in tasks} == {tmp_path / "sub"}
    assert {task.condition_name for task in tasks} == {"wheezing"}
    assert {(task.dataset_name, task.sound_type) for task in tasks} == {("mine", "cough sounds")}
    with pytest.raises(ConfigError, match="Cannot read"):
        get_task("mine.yml", tmp_path)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("name: icbih, sound_type: lung, label: copd", "Did you mean 'icbhi'"),
        ("name: icbhi, sound_type: lungs, label: copd", "Did you mean 'lung'"),
        ("name: icbhi, sound_type: lung, label: copdd", "Did you mean 'copd'"),
        ("name: icbhi, sound_type: lung, label: copd, split: offical", "Did you mean 'official'"),
        ("name: kauh, sound_type: lung, label: abnormal_sound", "annotated breathing cycles"),
    ],
)
def test_a_task_about_what_a_dataset_does_not_have(
    tmp_path: Path, small_cohort: Path, source: str, complaint: str
) -> None:
    task = task_file(tmp_path, "mine", f"dataset: {{{source}}}")
    with pytest.raises(DataError, match=complaint):
        task.select(small_cohort, "clean")


@pytest.mark.parametrize("hidden", [r"\0", r"\e[31m", r"\uD800"])
def test_words_of_a_task_hold_no_control_characters(tmp_path: Path, hidden: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(
        "id: mine\ndataset_description: a clinic\nsound: cough\nword_for_1: flu\n"
        f'word_for_0: healthy\nquestion: "whether{hidden} flu"\ntable: {{table: t.csv}}\n'
    )
    with pytest.raises(ConfigError, match=r"control characters|unicode string"):
        get_task(path)

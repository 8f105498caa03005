"""A run's folder is begun once, continued with the same settings, and read back."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from respllm.config import EncoderConfig, ModelConfig, RunConfig, TaskLists
from respllm.errors import CheckpointError, ConfigError
from respllm.training import RunFolder, write_json

CONFIG = RunConfig(
    encoder=EncoderConfig(name="mel-patch"),
    model=ModelConfig(llm="nano"),
    name="run",
    tasks=TaskLists(train=("S7",)),
    init_from=Path("runs/earlier"),
)


@pytest.fixture
def begun(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.start(CONFIG, resume=False)
    write_json(folder.record, {"task_folder": "tasks"})
    return folder


def test_the_run_is_read_back_as_declared(begun: RunFolder) -> None:
    assert begun.read_config() == CONFIG
    assert begun.task_folder() == Path("tasks")


def test_a_run_is_not_overwritten(begun: RunFolder) -> None:
    with pytest.raises(ConfigError, match=r"already holds a run.*--resume"):
        begun.start(CONFIG, resume=False)


def test_it_goes_on_with_the_settings_it_began_with_only(begun: RunFolder) -> None:
    begun.start(CONFIG, resume=True)
    other = CONFIG.model_copy(update={"seed": 1, "name": "x"})
    with pytest.raises(ConfigError, match="other settings: name, seed"):
        begun.start(other, resume=True)


def test_resume_may_also_begin(tmp_path: Path) -> None:
    RunFolder(tmp_path / "new").start(CONFIG, resume=True)
    assert RunFolder(tmp_path / "new").read_config() == CONFIG


@pytest.mark.parametrize("left", ["config.yaml", "config.yaml.new", "run.json.new"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_stopped_before_it_began_to_train_is_begun_again(
    tmp_path: Path, left: str, resume: bool
) -> None:
    (tmp_path / left).write_text("name: ot")
    folder = RunFolder(tmp_path)
    folder.start(CONFIG, resume=resume)
    assert folder.read_config() == CONFIG
    with pytest.raises(ConfigError, match="stopped before it began to train"):
        folder.task_folder()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(ConfigError, match="not empty and holds no run"):
            RunFolder(tmp_path).start(CONFIG, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No run in .*respllm train"):
        RunFolder(tmp_path).read_config()


def test_another_format_is_refused(begun: RunFolder) -> None:
    text = begun.config.read_text().replace("format_version: 1", "format_version: 2")
    begun.config.write_text(text)
    with pytest.raises(CheckpointError, match="Format version 2"):
        begun.read_config()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"\xff\xfe", b"name: [", b"[1, 2", b"name: " + b"[" * 900, b"[" * 100_000],
    ids=range(7),
)
def test_a_damaged_file_is_one_clear_error(begun: RunFolder, damage: bytes) -> None:
    begun.record.write_bytes(damage)
    with pytest.raises(CheckpointError, match=r"damaged.*run\.json.*copy the run folder"):
        begun.read_record()
    begun.config.write_bytes(damage)
    with pytest.raises(CheckpointError, match=r"damaged.*config\.yaml"):
        begun.read_config()


def test_half_a_file_is_not_left_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str, **how: str) -> None:
        path.write_bytes(text[:3].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    write_json(tmp_path / "a.json", 1)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(tmp_path / "a.json", 222_222)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"1\n"


def test_json_holds_no_numbers_that_json_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"value": 1.5})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"value": float("nan")})
    assert path.read_text() == '{\n  "value": 1.5\n}\n'

"""What another version of respllm wrote is read as it was meant, or refused with the remedy.

Every file that is kept between versions, made by hand as an older or a newer version would have it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from respllm.audio import AudioIndex
from respllm.audio.index import FILE_NAME
from respllm.comparisons.study import Study, read_config, read_left_out, read_record
from respllm.config import RunConfig, TaskLists
from respllm.encoders import TokenCache, TokenKey
from respllm.errors import CheckpointError, DataError, RespllmError
from respllm.evaluation import ResultRow, ScoredClip, auroc_score, read_rows, write_rows
from respllm.models import Checkpoint
from respllm.tasks import Learned
from respllm.training import RunFolder
from respllm.training.state import load_state
from tests.audio.sounds import noise, write

CONFIG = RunConfig(name="run", tasks=TaskLists(train=("S7",)))


@pytest.fixture
def run(trained_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_run, tmp_path / "run"))


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    text = path.read_text()
    content = yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)
    change(content)
    path.write_text(yaml.safe_dump(content) if path.suffix == ".yaml" else json.dumps(content))


def opened(run: Path, name: str) -> object:
    """What reads a file of a run."""
    return (
        RunFolder(run).read_config() if name == "config.yaml" else Checkpoint.from_pretrained(run)
    )


@pytest.mark.parametrize("version", [0, 2, "1", None])
@pytest.mark.parametrize("name", ["config.yaml", "model/config.json"])
def test_runs_and_checkpoints(run: Path, name: str, version: object) -> None:
    edited(run / name, lambda content: content.update(format_version=version))
    with pytest.raises(CheckpointError, match=rf"version {version!r}.*Next: use the respllm"):
        opened(run, name)


@pytest.mark.parametrize("name", ["config.yaml", "model/config.json"])
def test_runs_and_checkpoints_without_a_version(run: Path, name: str) -> None:
    edited(run / name, lambda content: content.pop("format_version"))
    with pytest.raises(CheckpointError, match="Format version None"):
        opened(run, name)


@pytest.mark.parametrize("change", ["more", "less", "list", "text"])
def test_whom_a_run_learned_from(run: Path, change: str) -> None:
    path = run / "learned.json"
    content = json.loads(path.read_text())
    newer = {"more": content | {"salt": "x"}, "less": {"people": []}, "list": [content]}
    path.write_text(json.dumps(newer[change]) if change in newer else "text")
    with pytest.raises(CheckpointError, match="Next: train again"):
        Learned.read(path)


def test_a_state_of_another_version_is_refused(run: Path) -> None:
    import torch

    path = run / "state" / "last.pt"
    torch.save({"step": 1, "weights": {}}, path)
    with pytest.raises(CheckpointError, match=r"Next: delete the run folder's `state`"):
        load_state(path)


def test_an_older_study_has_no_version_and_is_read(tmp_path: Path) -> None:
    path = tmp_path / "study" / "study.yaml"
    Study(CONFIG, tmp_path, tmp_path, path.parent)
    assert yaml.safe_load(path.read_text())["format_version"] == 1
    edited(path, lambda content: content.pop("format_version"))
    older = path.read_bytes()
    assert read_config(path.parent) == CONFIG
    Study(CONFIG, tmp_path, tmp_path, path.parent)
    assert path.read_bytes() == older


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_a_study_of_another_version_is_refused(tmp_path: Path, version: object) -> None:
    folder = tmp_path / "study"
    Study(CONFIG, tmp_path, tmp_path, folder)
    edited(folder / "study.yaml", lambda content: content.update(format_version=version))
    with pytest.raises(CheckpointError, match=r"of a study.*Next: use the respllm version"):
        read_config(folder)
    with pytest.raises(CheckpointError, match="of a study"):
        Study(CONFIG, tmp_path, tmp_path, folder)


@pytest.mark.parametrize("name", ["study.yaml", "study.json", "left_out.json"])
@pytest.mark.parametrize("content", [b"{", b"\xff"])
def test_a_damaged_study_is_one_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    read = {"study.yaml": read_config, "study.json": read_record, "left_out.json": read_left_out}
    with pytest.raises(CheckpointError, match=r"study is damaged.*Next: copy"):
        read[name](tmp_path)


@pytest.mark.parametrize("content", [b"0", b"2", b"", b"\xff"])
def test_a_cache_of_another_version_is_refused(tmp_path: Path, content: bytes) -> None:
    TokenCache(tmp_path)
    (tmp_path / "format").write_bytes(content)
    with pytest.raises(RespllmError, match=r"Expected: format '1'.*Next: delete this folder"):
        TokenCache(tmp_path)


def test_a_cache_entry_of_another_layout_is_computed_again(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    cache = TokenCache(tmp_path)
    key = TokenKey("encoder-1", "a" * 64, 0.0, None, 0)
    cache.write(key, np.ones((64, 8), np.float32))
    (path,) = tmp_path.rglob("*.safetensors")
    save_file({"tokens": np.ones((64, 8), np.float32)}, path, {"digest": "newer"})
    assert cache.read(key) is None
    assert not cache.holds(key)


def test_an_index_of_another_version_is_left_alone_and_one_of_another_layout_rebuilt(
    tmp_path: Path,
) -> None:
    newer = tmp_path / "audio-index-2.sqlite"
    newer.write_bytes(b"newer")
    sound = write(tmp_path / "a.wav", noise(1, 0))
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("CREATE TABLE facts (path BLOB PRIMARY KEY, digest TEXT)")
    database.close()
    assert AudioIndex(tmp_path).facts(sound).seconds == 1.0
    assert AudioIndex(tmp_path).facts(sound).seconds == 1.0
    assert newer.read_bytes() == b"newer"


def test_results_with_entries_that_this_version_does_not_know(tmp_path: Path) -> None:
    score = auroc_score([ScoredClip("S7", f"r{i}", f"p{i}", i / 3, i % 2) for i in range(9)])
    row = ResultRow(*("S7", "icbhi", "COPD", "lung", "trained", "test", "clean"), score)
    path = tmp_path / "rows.json"
    write_rows(path, [row])
    written = json.loads(path.read_text())
    for changed in (
        [written[0] | {"weighted": True}],
        [written[0] | {"score": written[0]["score"] | {"cluster": "site"}}],
        [{name: value for name, value in written[0].items() if name != "note"}],
        {"format": 2, "rows": written},
    ):
        path.write_text(json.dumps(changed))
        with pytest.raises(DataError, match=r"Next: run `respllm evaluate` on the run again"):
            read_rows(path)

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from respllm.encoders import htsat_checkpoint, load_encoder
from respllm.errors import ConfigError, RespllmError
from respllm.pretraining.audio import objectives, pretrain_audio
from respllm.pretraining.audio import pretrain as module
from respllm.pretraining.audio.pretrain import _parts
from respllm.pretraining.audio.spectrograms import Heard, Spectrograms
from respllm.tasks import Learned
from tests.encoders.conftest import mels
from tests.pretraining.audio.making import recordings, settings


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pretrain")
    recordings(root / "sounds")
    (root / "sounds" / "broken.wav").write_bytes(b"no sound")
    return root


@pytest.fixture(scope="module")
def done(data: Path) -> Path:
    run = settings(hear=[{"folder": "sounds"}, {"simulated": {"recordings": 5}}])
    summary = pretrain_audio(run, data, data / "run")
    assert summary.steps == 2
    assert summary.recordings == {"simulated": 5, "sounds": 6}
    assert summary.people + summary.validation_people == 11
    return summary.folder


def test_what_it_keeps_is_an_encoder(done: Path) -> None:
    encoder = load_encoder("htsat-small", done / "encoder")
    assert encoder.tokens(mels(1)).shape == (1, 64, encoder.width)
    made = htsat_checkpoint.describe(done / "encoder").made
    assert made["settings"]["seed"] == 0
    assert made["validation"]["loss"] > 0


def test_it_notes_every_validation_and_leaves_no_sound_behind(done: Path) -> None:
    lines = [json.loads(line) for line in (done / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert list((done / "tensorboard").iterdir())
    assert not (done / "spectrograms.f16").exists()


def test_whom_it_heard_is_kept_as_hashes(done: Path, data: Path) -> None:
    learned = Learned.read(done / "encoder" / htsat_checkpoint.LEARNED)
    assert len(learned.recordings) == len(learned.people) == 7  # the broken one was chosen too
    assert "sounds" not in (done / "encoder" / htsat_checkpoint.LEARNED).read_text()


def test_a_killed_run_ends_as_if_it_had_not_been(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = settings(steps=3)
    whole = pretrain_audio(run, data, tmp_path / "whole")
    step, calls = module._step, []

    def dies(*arguments: object) -> float:
        calls.append(1)
        if len(calls) == 3:
            raise KilledError
        return step(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_step", dies)
    with pytest.raises(KilledError):
        pretrain_audio(run, data, tmp_path / "killed")
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="--resume"):
        pretrain_audio(run, data, tmp_path / "killed")
    with pytest.raises(ConfigError, match="other settings"):
        pretrain_audio(settings(steps=3, seed=1), data, tmp_path / "killed", resume=True)
    again = pretrain_audio(run, data, tmp_path / "killed", resume=True)
    assert again.identity == whole.identity
    assert (tmp_path / "killed/metrics.jsonl").read_text() == (
        tmp_path / "whole/metrics.jsonl"
    ).read_text()


def test_it_stops_when_nothing_improves(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([1.0, 2.0, 3.0, 4.0])
    monkeypatch.setattr(
        module,
        "_validate",
        lambda *_: module.Validation(next(losses), None, None, None, None),
    )
    summary = pretrain_audio(settings(steps=4, patience=2), data, tmp_path / "run")
    assert (summary.steps, summary.best_step) == (3, 1)


def test_a_loss_that_is_no_number_is_an_error(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objectives, "SPREAD", torch.nan)
    with pytest.raises(RespllmError, match="The loss is nan"):
        pretrain_audio(settings(), data, tmp_path / "run")


def test_validation_people_are_other_people(tmp_path: Path) -> None:
    path = tmp_path / "levels.f16"
    path.write_bytes(bytes(2 * 64 * 40))
    heard = [Heard("a", f"a/{n % 8}", n, n + 1) for n in range(40)]
    training, validation = _parts(Spectrograms(path, heard, 0), 0.25)
    assert len(validation["a"]) == 2
    assert training["a"] | validation["a"] == {h.subject for h in heard}
    assert not training["a"] & validation["a"]


def test_too_few_people_are_an_error(tmp_path: Path) -> None:
    recordings(tmp_path / "sounds", 3)
    with pytest.raises(RespllmError, match="3 people are too few"):
        pretrain_audio(settings(), tmp_path, tmp_path / "run")


def test_a_folder_with_other_files_is_left_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="other files"):
        pretrain_audio(settings(), data, tmp_path)

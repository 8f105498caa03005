from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.encoders import AudioEncoder, load_encoder
from respllm.encoders.architectures import ARCHITECTURES
from respllm.errors import ConfigError
from respllm.pretraining.audio.views import patches
from respllm.pretraining.probing import BASELINES, encoder_folder, open_encoder, probe
from respllm.pretraining.probing.comparing import _too_few
from respllm.pretraining.probing.features import in_time, log_mel_statistics, token_statistics
from respllm.pretraining.probing.questions import questions
from respllm.tasks import Learned
from respllm.types import Clip
from tests.audio.sounds import noise, write
from tests.encoders.conftest import clip_of
from tests.encoders.htsat_file import write_random


@pytest.fixture(scope="module")
def icbhi(small_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with nothing but ICBHI."""
    root = tmp_path_factory.mktemp("probe")
    (root / "icbhi").symlink_to(small_cohort / "icbhi", target_is_directory=True)
    return root


@pytest.fixture(scope="module")
def everything(small_cohort: Path) -> dict:
    return {question.id: question for question in questions(small_cohort, (), final=True)}


def test_people_held_out_are_asked_only_on_demand(small_cohort: Path, everything: dict) -> None:
    open_ = {question.id for question in questions(small_cohort, (), final=False)}
    assert open_ == {name for name, question in everything.items() if not question.final}
    assert "abnormal-cycle" in open_
    assert "S7" in open_
    for name in ("T5", "T6", "kauh-diseased", "abnormal-cycle->test", "S7->T5"):
        assert everything[name].final


def test_nobody_is_asked_who_was_learned_from(everything: dict) -> None:
    transfers = [question for question in everything.values() if question.test is not None]
    assert len(transfers) == 3
    for question in transfers:
        trained = {e.clip.record.subject_id for e in question.train}
        assert not trained & {e.clip.record.subject_id for e in question.test}


def test_open_questions_are_not_about_the_test_part_or_kauh(everything: dict) -> None:
    for question in everything.values():
        if not question.final:
            records = [e.clip.record for e in question.train]
            assert all(record.dataset != "kauh" for record in records)
            official = [r for r in records if r.dataset == "icbhi"]
            assert all(record.splits["official"] == "train" for record in official)


def test_features_are_statistics_over_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(3))
    clips = [clip_of(path), Clip(clip_of(tmp_path / "gone.wav").record)]
    patch = load_encoder("mel-patch")
    mel = log_mel_statistics(clips, patch)
    tokens = token_statistics(clips, patch)
    assert mel.shape == (2, 128)
    assert tokens.shape == (2, 512)
    assert np.isnan(mel[1]).all()
    assert np.isnan(tokens[1]).all()
    # The mean over all frames of a band is the mean of the means of its four places in a patch.
    assert np.allclose(mel[0, :64], tokens[0, :256].reshape(4, 64).mean(axis=0), atol=1e-5)


def test_steps_of_time_hold_all_bands_from_low_to_high() -> None:
    architecture = ARCHITECTURES["htsat-small"]
    # Every cell of a log-mel says its frame and its band.
    frame, band = torch.meshgrid(torch.arange(256), torch.arange(64), indexing="ij")
    frames, bands = (patches(one[None], architecture).numpy() for one in (frame, band))
    told = in_time(np.stack([frames.min(axis=2), bands.min(axis=2)], axis=2), architecture.bands)
    assert told[0, :, 0::2].tolist() == [[16 * step] * 4 for step in range(16)]
    assert told[0, :, 1::2].tolist() == [[0, 16, 32, 48]] * 16


def test_an_encoder_is_opened_by_name_file_or_folder(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "run" / "encoder")
    for name in (tmp_path / "run", folder, folder / "encoder.safetensors"):
        encoder = open_encoder(str(name))
        assert encoder.name == "htsat-small"
        assert encoder.heard is None
        assert encoder_folder(str(name)) == folder
    assert encoder_folder("mel-patch") is None
    assert open_encoder("mel-patch").name == "mel-patch"
    with pytest.raises(ConfigError, match="mel-patch"):
        open_encoder("mel_patch")


def test_an_unknown_question_brings_the_nearest(icbhi: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'abnormal-cycle'"):
        probe(load_encoder("mel-patch"), icbhi, tasks=["abnormal-cycles"])


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> AudioEncoder:
    """The encoder without weights, in place of the untrained one too."""
    encoder = load_encoder("mel-patch")
    monkeypatch.setattr(
        "respllm.pretraining.probing.comparing.PretrainedHtsat.untrained", lambda *_: encoder
    )
    return encoder


def test_a_probe_has_a_row_for_each_question(
    icbhi: Path, cheap: AudioEncoder, tmp_path: Path
) -> None:
    asked = next(q for q in questions(icbhi, (), final=False) if q.id == "S7")
    cheap.heard = tmp_path / "learned.json"
    cheap.heard.write_text(json.dumps(Learned.of(asked.train[:3]).plain()))
    result = probe(cheap, icbhi, tasks=["S7"], seeds=2)
    (row,) = result.rows
    assert row.heard is not None
    assert row.heard >= 3
    assert row.score is not None
    assert row.score.n_runs == 2
    assert row.curve == ()
    assert [one.baseline for one in row.versus] == list(BASELINES)
    same = row.versus[2]  # mel-patch against itself
    assert same.value == 0
    assert same.low is not None
    assert same.low <= 0


def test_too_few_people_are_said_and_not_scored(small_cohort: Path, cheap: AudioEncoder) -> None:
    asked = next(questions(small_cohort, (), final=False))
    positive = [e for e in asked.train if e.label == 1]
    names = sorted({e.clip.record.subject_id for e in positive})[:3]
    few = tuple(e for e in asked.train if e.label == 0 or e.clip.record.subject_id in names)
    assert _too_few(replace(asked, train=few)) == "only 3 people of answer 1"


def test_a_curve_asks_the_same_people_after_fewer(icbhi: Path, cheap: AudioEncoder) -> None:
    numbers = [16, 8, 8, 10_000]
    result = probe(cheap, icbhi, tasks=["S7"], seeds=1, people=numbers)
    (row,) = result.rows
    assert result.people == (8, 16, 10_000)
    assert [point.people for point in row.curve] == [8, 16]  # nobody has 10,000
    assert row.score is not None
    for point in row.curve:
        assert point.score.n_subjects == row.score.n_subjects
        assert point.versus.baseline == BASELINES[0]
        assert point.score.value != row.score.value
    with pytest.raises(ConfigError, match="7 labelled people"):
        probe(cheap, icbhi, tasks=["S7"], people=[7])

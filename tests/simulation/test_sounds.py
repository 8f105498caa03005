"""Whether the signs can be heard: in the front-end's log-mel, through each dataset's devices."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import soxr
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from respllm.audio import log_mel
from respllm.simulation.answers import draw_answers
from respllm.simulation.devices import DEVICES, draw_device, record
from respllm.simulation.population import draw_people
from respllm.simulation.posterior import posterior
from respllm.simulation.questions import QUESTIONS, SoundKind
from respllm.simulation.signs import SIGNS, draw_signs
from respllm.simulation.sounds import RATE, synthesise

TRAIN, TEST = 160, 80
# One task for each kind of sound and dataset that is learned from, and KAUH, which is not.
TASKS: dict[str, SoundKind] = {"S2": "cough", "S3": "breath", "S7": "lung", "T5": "lung"}
BY_ID = {question.task_id: question for question in QUESTIONS}


@cache
def _recordings(task_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Log-mels (n, 256, 64), signs (n, 4), labels (n,) and best posteriors (n,)."""
    question = BY_ID[task_id]
    rng = np.random.default_rng(8)
    people = draw_people(question.dataset, 2 * (TRAIN + TEST), rng)
    people = people.take(np.flatnonzero(question.asks(people))[: TRAIN + TEST])
    answers, signs = draw_answers(question.dataset, people, rng), draw_signs(people, rng)
    mels = []
    for row in signs:
        device = draw_device(question.dataset, rng)
        samples = record(synthesise(TASKS[task_id], row, rng).waveform, device, rng)
        waveform = soxr.resample(samples.astype(np.float32) / 32768, device.sampling_rate, RATE)
        mels.append(log_mel(waveform))
    return (
        np.array(mels),
        signs,
        people.has(question.cause),
        posterior(question, answers, signs),
    )


def _statistics(mels: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each band: (n, 128)."""
    return np.concatenate([mels.mean(axis=1), mels.std(axis=1)], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("task_id", TASKS)
def test_every_sign_is_audible(task_id: str) -> None:
    mels, signs, _, _ = _recordings(task_id)
    features = _statistics(mels)
    regression = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    heard = regression.fit(features[:TRAIN], signs[:TRAIN]).predict(features[TRAIN:])
    truth = signs[TRAIN:]
    r2 = 1 - ((heard - truth) ** 2).sum(axis=0) / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    assert dict(zip(SIGNS, r2 >= 0.8, strict=True)) == dict.fromkeys(SIGNS, True), r2


@pytest.mark.slow
@pytest.mark.parametrize("task_id", ["S2", "S3", "S7"])
def test_simple_statistics_stay_below_the_best(task_id: str) -> None:
    mels, _, label, best = _recordings(task_id)
    features = _statistics(mels)
    trees = ExtraTreesClassifier(300, min_samples_leaf=3, random_state=0)
    trees.fit(features[:TRAIN], label[:TRAIN])
    reached = roc_auc_score(label[TRAIN:], trees.predict_proba(features[TRAIN:])[:, 1])
    assert reached <= roc_auc_score(label[TRAIN:], best[TRAIN:]) - 0.05


def test_one_clip_holds_the_whole_recording() -> None:
    rng = np.random.default_rng(9)
    for kind in ("breath", "cough", "lung"):
        for extreme in (-5.0, 0.0, 6.0):
            sound = synthesise(kind, np.full(4, extreme), rng)
            assert np.isfinite(sound.waveform).all()
            assert 4.0 <= len(sound.waveform) / RATE <= 8.18
            assert sound.cycles[0].start == 0
            assert sound.cycles[-1].stop == pytest.approx(len(sound.waveform) / RATE)


def test_cycles_are_annotated_with_what_was_put_into_them() -> None:
    rng = np.random.default_rng(10)
    loud = synthesise("lung", np.array([0.0, 3.0, 0.0, 3.0]), rng)
    assert all(cycle.crackle and cycle.wheeze for cycle in loud.cycles)
    quiet = synthesise("lung", np.array([0.0, -2.0, 0.0, -2.0]), rng)
    assert not any(cycle.crackle or cycle.wheeze for cycle in quiet.cycles)


@pytest.mark.parametrize("dataset", DEVICES)
def test_devices_keep_their_own_rate_and_never_clip(dataset: str) -> None:
    rng = np.random.default_rng(11)
    sound = synthesise("breath", np.zeros(4), rng)
    for device in DEVICES[dataset]:
        samples = record(sound.waveform, device, rng)
        assert samples.dtype == np.int16
        seconds = len(sound.waveform) / RATE
        assert len(samples) == pytest.approx(seconds * device.sampling_rate, abs=1)
        assert 5000 < np.abs(samples.astype(int)).max() < 32767

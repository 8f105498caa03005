"""The answer for a recording is the model's, whatever form it comes in and whoever is with it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from respllm import Predictor
from respllm.encoders import load_encoder
from respllm.errors import AudioError, CheckpointError, SafetyError
from respllm.inference import Refusal, Request
from respllm.inference.hearing import CHUNK
from respllm.inference.predictor import SIMULATED_MODEL
from respllm.models import Checkpoint
from respllm.tasks import get_task
from respllm.types import Dms, Example, Prediction

RATE = 16_000
MAN = Dms("Male", 65, (), ("cough",))


def breath(seconds: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    swell = 0.1 * (1.2 + np.sin(np.arange(round(seconds * RATE)) / RATE * (seed + 2)))
    # On the grid of 16 bits, so that a file holds exactly this.
    return (np.round(swell * random.standard_normal(len(swell)) * 8192) / 32768).astype(np.float32)


@pytest.fixture(scope="module")
def predictor(trained_run: Path) -> Predictor:
    return Predictor.from_pretrained(trained_run, allow_simulated_model=True)


@pytest.fixture(scope="module")
def careful(trained_run: Path) -> Predictor:
    return Predictor.from_pretrained(trained_run)


@pytest.fixture(scope="module")
def simulated(small_cohort: Path) -> Example:
    return get_task("T5").examples(small_cohort, "test", "clean")[0]


def test_path_bytes_and_waveform_are_one_recording(predictor: Predictor, tmp_path: Path) -> None:
    for seconds in (5.0, 20.0):
        path = tmp_path / "breath.wav"
        soundfile.write(path, breath(seconds), RATE, subtype="PCM_16")
        answers = [
            predictor.predict(source, MAN, "S7")
            for source in (path, str(path), path.read_bytes(), breath(seconds))
        ]
        assert {answer.clip_logits for answer in answers} == {answers[0].clip_logits}
        assert answers[0].record_id == "breath.wav"


def test_a_long_recording_is_the_mean_of_its_clips(predictor: Predictor) -> None:
    answer = predictor.predict(breath(20), MAN, "S7")
    assert len(answer.clip_logits) == 3
    assert len(set(answer.clip_logits)) == 3
    assert answer.logit == pytest.approx(sum(answer.clip_logits) / 3)
    start = predictor.predict(breath(20)[: round(8.18 * RATE)], MAN, "S7")
    assert answer.clip_logits[0] == pytest.approx(start.logit, abs=1e-5)


def test_under_paper_only_the_first_window_is_heard(trained_run: Path) -> None:
    checkpoint = Checkpoint.from_pretrained(trained_run)
    config = checkpoint.config.model_copy(update={"protocol": "paper"})
    predictor = Predictor(
        Checkpoint(checkpoint.model, checkpoint.tokenizer, config),
        load_encoder("mel-patch"),
        allow_simulated_model=True,
    )
    assert len(predictor.predict(breath(20), MAN, "S7").clip_logits) == 1


def test_a_silent_stretch_is_left_out_and_noted(predictor: Predictor) -> None:
    recording = breath(20)
    recording[round(5.5 * RATE) : round(14.5 * RATE)] = 0
    answer = predictor.predict(recording, MAN, "S7")
    assert len(answer.clip_logits) == 2
    assert any("1 of 3 clips left out: The recording is silent" in n for n in answer.notes)


def test_the_probability_undoes_the_weighting(predictor: Predictor) -> None:
    known = predictor.checkpoint.config.task("S7")
    assert known is not None
    assert known.prior is not None
    assert known.trained_prior is not None
    answer = predictor.predict(breath(5), MAN, "S7")
    odds = math.exp(answer.logit) * known.prior / (1 - known.prior)
    odds *= (1 - known.trained_prior) / known.trained_prior
    assert answer.probability == pytest.approx(odds / (1 + odds))
    unknown = predictor.predict(breath(5), MAN, "T5")
    assert unknown.probability == pytest.approx(1 / (1 + math.exp(-unknown.logit)))


def test_what_the_person_stated_matters_and_nothing_may_be_stated(predictor: Predictor) -> None:
    stated = predictor.predict(breath(5), MAN, "S7")
    silent = predictor.predict(breath(5), None, "S7")
    assert silent.logit == predictor.predict(breath(5), Dms(), "S7").logit
    assert abs(stated.logit - silent.logit) > 1e-4


def test_neighbours_do_not_matter_and_order_is_kept(predictor: Predictor) -> None:
    requests = [
        Request(breath(2 + i % 9, seed=i), Dms(age=20 + i), f"r{i}", f"p{i}") for i in range(70)
    ]
    question = predictor.question("S7")
    together = list(predictor.predict_many(requests, question))
    backwards = list(predictor.predict_many(reversed(requests), question))
    assert [answer.record_id for answer in together] == [f"r{i}" for i in range(70)]
    for first, second in zip(together, reversed(backwards), strict=True):
        assert isinstance(first, Prediction)
        assert isinstance(second, Prediction)
        assert first.logit == pytest.approx(second.logit, abs=1e-5)
    for i in (0, 33, 69):
        alone = predictor.predict(requests[i].audio, requests[i].dms, "S7")
        answer = together[i]
        assert isinstance(answer, Prediction)
        assert alone.logit == pytest.approx(answer.logit, abs=1e-5)


def test_a_bad_recording_is_refused_in_its_place(predictor: Predictor, tmp_path: Path) -> None:
    stereo = np.stack([breath(3)] * 2, axis=1)
    nan = breath(3)
    nan[5] = np.nan
    bad: dict[str, Path | bytes | np.ndarray] = {
        "gone": tmp_path / "gone.wav",
        "text": b"not a recording",
        "empty": b"",
        "silent": np.zeros(RATE, np.float32),
        "short": breath(0.05),
        "nothing": np.zeros(0, np.float32),
        "nan": nan,
        "stereo": stereo,
    }

    def requests() -> Iterator[Request]:
        for name, audio in bad.items():
            yield Request(audio, record_id=name)
            yield Request(breath(3), record_id=f"after {name}", label=1)

    answers = list(predictor.predict_many(requests(), predictor.question("S7")))
    refused, answered = answers[::2], answers[1::2]
    assert [type(one) for one in refused] == [Refusal] * len(bad)
    assert [one.record_id for one in refused] == list(bad)
    assert all(isinstance(one, Refusal) and one.reason for one in refused)
    assert [one.record_id for one in answered] == [f"after {name}" for name in bad]
    assert {one.label for one in answered if isinstance(one, Prediction)} == {1}
    for name in ("text", "silent", "nan"):
        with pytest.raises(AudioError):
            predictor.predict(bad[name], task="S7")


def test_the_next_recordings_are_heard_meanwhile_and_no_more(predictor: Predictor) -> None:
    asked = 0

    def requests() -> Iterator[Request]:
        nonlocal asked
        while True:
            asked += 1
            yield Request(breath(0.5, seed=asked), record_id=str(asked))

    answers = predictor.predict_many(requests(), predictor.question("S7"))
    for expected in range(1, CHUNK + 2):
        assert next(answers).record_id == str(expected)
        assert expected < asked <= expected + 2 * CHUNK
    answers.close()


def test_what_came_before_an_error_is_answered(predictor: Predictor) -> None:
    def requests() -> Iterator[Request]:
        for i in range(CHUNK + 2):
            yield Request(breath(0.5), record_id=str(i))
        raise ValueError("row 67 of the table")

    answers = predictor.predict_many(requests(), predictor.question("S7"))
    for i in range(CHUNK + 2):
        assert next(answers).record_id == str(i)
    with pytest.raises(ValueError, match="row 67"):
        next(answers)


def test_an_error_that_is_no_refusal_is_raised(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr("respllm.inference.hearing.log_mel", broken)
    with pytest.raises(MemoryError):
        list(predictor.predict_many([Request(breath(1))], predictor.question("S7")))


def test_in_bfloat16_the_answer_is_nearly_the_same(predictor: Predictor, trained_run: Path) -> None:
    coarse = Predictor.from_pretrained(
        trained_run, precision="bfloat16", allow_simulated_model=True
    )
    exact = predictor.predict(breath(5), MAN, "S7").logit
    found = coarse.predict(breath(5), MAN, "S7").logit
    assert found != exact
    assert found == pytest.approx(exact, abs=0.1)


def test_nothing_asked_nothing_answered(predictor: Predictor) -> None:
    assert list(predictor.predict_many([], predictor.question("S7"))) == []


def test_a_warning_about_the_recording_stands_beside_the_answer(predictor: Predictor) -> None:
    answer = predictor.predict(breath(0.5), task="S7")
    assert any(note.startswith("short: 0.50 s") for note in answer.notes)


def test_a_simulated_model_does_not_answer_for_real_recordings(
    careful: Predictor, simulated: Example, tmp_path: Path
) -> None:
    recording = simulated.clip.record.audio_path
    real = tmp_path / "copied out of its cohort.wav"
    shutil.copy(recording, real)
    for source in (real, str(real), real.read_bytes(), breath(3)):
        with pytest.raises(SafetyError, match="--allow-simulated-model"):
            careful.predict(source, task="T5")
    with pytest.raises(SafetyError):
        list(careful.predict_many([Request(real)], careful.question("T5")))
    answer = careful.predict(recording, simulated.clip.record.dms, "T5")
    assert SIMULATED_MODEL not in answer.notes


def test_with_the_switch_the_number_is_said_to_mean_nothing(
    predictor: Predictor, careful: Predictor, simulated: Example, tmp_path: Path
) -> None:
    record = simulated.clip.record
    real = tmp_path / "real.wav"
    shutil.copy(record.audio_path, real)
    answer = predictor.predict(real, record.dms, "T5")
    assert answer.notes[0] == SIMULATED_MODEL
    assert answer.logit == careful.predict(record.audio_path, record.dms, "T5").logit


def test_an_unvalidated_answer_is_marked(predictor: Predictor) -> None:
    answer = predictor.predict(breath(3), MAN, condition="pneumonia", sound="lung sounds")
    assert not answer.validated
    assert any(note.startswith("Unvalidated") for note in answer.notes)
    assert predictor.predict(breath(3), MAN, "T5").validated


def test_another_encoder_than_the_models_is_refused(trained_run: Path) -> None:
    checkpoint = Checkpoint.from_pretrained(trained_run)
    config = checkpoint.config.model_copy(update={"encoder_identity": "ears"})
    with pytest.raises(CheckpointError, match="hears through ears"):
        Predictor(
            Checkpoint(checkpoint.model, checkpoint.tokenizer, config), load_encoder("mel-patch")
        )


def test_nothing_that_is_heard_is_written(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESPLLM_CACHE", str(tmp_path / "cache"))
    predictor.predict(breath(3), MAN, "S7")
    assert list(tmp_path.iterdir()) == []


def test_words_that_were_cut_are_noted(predictor: Predictor) -> None:
    def notes(dms: Dms) -> str:
        return " ".join(predictor.predict(breath(3), dms, "S7").notes)

    assert "cut" not in notes(MAN)
    assert "more than 100 characters were cut" in notes(Dms(recording_location="x" * 100_000))
    many = tuple(f"symptom {number}" for number in range(500))
    assert "cut after 256 tokens" in notes(Dms(symptoms=many))

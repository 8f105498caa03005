"""Of one recording the shares of sound and words add up, and nobody else's answer is disturbed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from respllm.audits.recording import attribute_recording
from respllm.errors import CheckpointError
from respllm.inference.answering import Answerer
from respllm.inference.hearing import Heard, Request
from respllm.types import Dms


@pytest.fixture(scope="module")
def answerer(trained_run: Path) -> Answerer:
    return Answerer.from_pretrained(trained_run, allow_simulated_model=True)


@pytest.fixture(scope="module")
def heard(answerer: Answerer) -> Heard:
    sound = 0.1 * np.random.default_rng(0).standard_normal(12 * 16_000)
    return answerer.hear(Request(sound.astype(np.float32), Dms("Male", 65, (), ("cough",))))


def test_shares_add_up_and_lie_in_time(answerer: Answerer, heard: Heard) -> None:
    found = attribute_recording(answerer, heard, answerer.question("S7"))
    assert len(found.clips) == len(heard.clips) == 2
    total = float(np.mean([sum(clip.audio) for clip in found.clips])) + found.rest
    total += sum(word.value for word in found.words)
    assert total == pytest.approx(found.change, abs=found.largest_delta + 1e-4)
    assert abs(found.change) > 1e-3
    clip = found.clips[1]
    assert clip.seconds_start == pytest.approx(heard.clips[1].start)
    (band,) = clip.bands
    assert len(band.values) * band.seconds_per_value == pytest.approx(
        clip.seconds_stop - clip.seconds_start
    )
    assert (band.low_hz, band.high_hz) == (50, 8000)
    assert " ".join(w.word for w in found.words if w.part == "DMS").startswith("Gender: Male.")


def test_answers_beside_an_attribution_stay_what_they_are(answerer: Answerer, heard: Heard) -> None:
    question = answerer.question("S7")
    before = answerer.answer([(heard, question)])[0].prediction.logit
    with ThreadPoolExecutor(3) as pool:
        attributions = [
            pool.submit(attribute_recording, answerer, heard, question) for _ in range(2)
        ]
        answers = []
        while not all(one.done() for one in attributions):
            answers.append(answerer.answer([(heard, question)])[0].prediction.logit)
        found = [one.result() for one in attributions]
    assert answers
    assert answers == pytest.approx([before] * len(answers), abs=1e-5)
    assert found[0].clips[0].audio == pytest.approx(found[1].clips[0].audio, abs=1e-5)


def test_without_a_neutral_sound_there_is_nothing_to_compare_with(
    answerer: Answerer, heard: Heard
) -> None:
    with pytest.raises(CheckpointError, match="training recordings"):
        attribute_recording(Answerer(answerer.predictor), heard, answerer.question("S7"))

"""A whole answer: calibrated on its like, divided exactly, and the same in any company."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.batching import hear
from respllm.errors import AudioError, CheckpointError
from respllm.evaluation.calibrator import Calibrator, fit_calibration
from respllm.evaluation.gathering import ScoredClip
from respllm.inference.answer import Answer
from respllm.inference.answering import Answerer
from respllm.inference.calibrating import (
    BY_CLIP,
    NO_FILE,
    NOT_LEARNED,
    NOT_TESTED,
    calibrator_for,
    judge,
)
from respllm.inference.contributions import shapley
from respllm.inference.hearing import Request
from respllm.inference.prediction_file import write_answers
from respllm.models.calibration_file import (
    CALIBRATION,
    Calibration,
    KeptCalibrator,
    fit_task_calibrations,
)
from respllm.models.familiar import fit_familiar, summaries
from respllm.models.reference import REFERENCE, read_reference
from respllm.tasks import get_task
from respllm.types import Dms, Example

RATE = 16_000
TASKS = ("S7", "S6", "T5")


def breath(seconds: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    swell = 0.1 * (1.2 + np.sin(np.arange(round(seconds * RATE)) / RATE * (seed % 7 + 2)))
    return (swell * random.standard_normal(len(swell))).astype(np.float32)


@pytest.fixture(scope="module")
def answerer(trained_run: Path) -> Answerer:
    return Answerer.from_pretrained(trained_run, allow_simulated_model=True)


@pytest.fixture(scope="module")
def simulated(small_cohort: Path) -> tuple[Example, ...]:
    return get_task("S7").examples(small_cohort, "test", "clean")


def ask(answerer: Answerer, request: Request, task: str = "S7") -> Answer:
    return answerer.answer([(answerer.hear(request), answerer.question(task))])[0]


def log_odds(answer: Answer) -> float:
    return log(answer.prediction.probability / (1 - answer.prediction.probability))


def test_contributions_add_up_to_the_shown_log_odds(answerer: Answerer) -> None:
    for task in TASKS:
        for dms in (Dms(), Dms("Male", 65, (), ("cough",))):
            answer = ask(answerer, Request(breath(20), dms), task)
            found = answer.contributions
            assert found is not None
            assert found.base + found.audio + found.text == pytest.approx(
                log_odds(answer), abs=1e-6
            )
            assert (found.text == 0) == (dms == Dms())
            assert found.audio != 0


def test_each_order_of_sound_and_words_counts_half() -> None:
    assert shapley([1.5], [], None, 1.5, 0.25).audio == 0
    assert shapley([1.5], [], None, 1.5, 0.25).base == 1.75
    # f(both) = 3, sound alone 1, words alone 2, neither 0: each order counts half.
    found = shapley([3.0, 3.0], [0.5, 1.5], 2.0, 0.0, 0.0)
    assert (found.base, found.audio, found.text) == (0, 1, 2)


def test_the_base_belongs_to_the_question(answerer: Answerer) -> None:
    first = ask(answerer, Request(breath(3), Dms(age=30)))
    other = ask(answerer, Request(breath(9, 4), Dms("Female")))
    assert first.contributions is not None
    assert other.contributions is not None
    assert first.contributions.base == other.contributions.base


@given(
    people=st.lists(
        st.tuples(
            st.sampled_from(TASKS),
            st.floats(0.3, 20),
            st.integers(0, 1000),
            st.sampled_from([None, "Female", "Male"]),
            st.one_of(st.none(), st.integers(0, 100)),
            st.sampled_from([None, (), ("cough",), ("fever", "dry cough") * 20]),
        ),
        min_size=2,
        max_size=6,
    )
)
@settings(max_examples=12, deadline=None)
def test_alone_and_in_a_mixed_crowd_the_answer_is_the_same(
    answerer: Answerer, people: list[tuple]
) -> None:
    heard = [
        (
            answerer.hear(Request(breath(s, seed), Dms(gender, age, None, symptoms), f"r{i}")),
            answerer.question(task),
        )
        for i, (task, s, seed, gender, age, symptoms) in enumerate(people)
    ]
    heard.append((heard[0][0], answerer.question(condition="pneumonia", sound="lung sounds")))
    together = answerer.answer(heard)
    for one, crowd in zip(heard, together, strict=True):
        alone = answerer.answer([one])[0]
        assert alone.prediction.logit == pytest.approx(crowd.prediction.logit, abs=1e-5)
        assert alone.contributions is not None
        assert crowd.contributions is not None
        for part in ("base", "audio", "text"):
            assert getattr(alone.contributions, part) == pytest.approx(
                getattr(crowd.contributions, part), abs=1e-5
            )
        assert alone.familiarity == crowd.familiarity
        assert alone.why_uncalibrated == crowd.why_uncalibrated


def test_the_prediction_is_the_predictors(answerer: Answerer) -> None:
    answer = ask(answerer, Request(breath(5), Dms(age=50), "recording", "recording"))
    alone = answerer.predictor.predict(breath(5), Dms(age=50), "S7")
    assert answer.prediction.logit == pytest.approx(alone.logit, abs=1e-5)
    assert replace(answer.prediction, logit=0, probability=0, clip_logits=()) == replace(
        alone, logit=0, probability=0, clip_logits=()
    )


def test_hearing_and_answering_from_many_threads(answerer: Answerer) -> None:
    requests = [Request(breath(1 + i % 4, i), Dms(age=20 + i), f"r{i}") for i in range(12)]
    expected = [ask(answerer, one) for one in requests]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: ask(answerer, one), requests))
    for one, other in zip(expected, found, strict=True):
        assert one.prediction.logit == pytest.approx(other.prediction.logit, abs=1e-5)


def test_a_learned_task_is_calibrated_on_validation_people(
    answerer: Answerer, simulated: tuple[Example, ...]
) -> None:
    answer = ask(answerer, Request(simulated[0].clip.record.audio_path, Dms(age=60)))
    found, verdict = answer.calibrated, answer.verdict
    assert found is not None
    assert verdict is not None
    assert 0 <= found.low <= found.probability <= found.high <= 1
    assert found.unit == "recording"
    assert min(found.n_positive, found.n_negative) > 0
    assert answer.why_uncalibrated == ""
    assert not answer.means_nothing


def test_where_nothing_was_learned_the_answer_says_why(answerer: Answerer) -> None:
    unknown = answerer.question(condition="pneumonia", sound="lung sounds")
    heard = answerer.hear(Request(breath(3)))
    for question, why in ((answerer.question("T5"), NOT_LEARNED), (unknown, NOT_TESTED)):
        answer = answerer.answer([(heard, question)])[0]
        assert answer.calibrated is None
        assert answer.verdict is None
        assert answer.why_uncalibrated == why
    assert answer.means_nothing


def scored(labels: dict[str, list[int]], logit: float = 0.0) -> list[ScoredClip]:
    """Each person's clips: two a recording."""
    return [
        ScoredClip("S7", f"{person}-{i // 2}", person, logit + i + label, label)
        for person, own in labels.items()
        for i, label in enumerate(own)
    ]


def test_units_are_never_mixed(answerer: Answerer) -> None:
    question = answerer.question("S7")
    by_clip = fit_task_calibrations(scored({"a": [0, 1, 0, 1], "b": [1, 0]}), ["S7"])
    assert set(by_clip.tasks["S7"]) == {"clip"}
    assert calibrator_for(by_clip, question, "recording", 3) == BY_CLIP
    assert calibrator_for(by_clip, question, "recording", 1) == by_clip.tasks["S7"]["clip"]
    clips = scored({"a": [0, 0, 1, 1], "b": [1, 1, 1], "c": [0]})
    by_recording = fit_task_calibrations(clips, ["S7"])
    assert "subject" not in by_recording.tasks["S7"]
    found = calibrator_for(by_recording, question, "recording", 2)
    assert found == KeptCalibrator.of(fit_calibration(clips, "recording"))
    assert judge(calibrator_for(by_recording, question, "subject", 2), 0.0).calibrated is None


def test_one_class_and_no_file_are_said(answerer: Answerer) -> None:
    question = answerer.question("S7")
    one_class = fit_task_calibrations(scored({"a": [1], "b": [1]}), ["S7"])
    assert "all positive" in str(calibrator_for(one_class, question, "recording", 1))
    nobody = fit_task_calibrations([], ["S7"])
    assert "no validation people" in str(calibrator_for(nobody, question, "recording", 1))
    assert calibrator_for(None, question, "recording", 1) == NO_FILE


def test_a_person_is_judged_by_the_mean_of_their_recordings(answerer: Answerer) -> None:
    answers = [ask(answerer, Request(breath(3, i))) for i in range(3)]
    found = answerer.judge_person(answers)
    assert found.calibrated is not None
    assert found.calibrated.unit == "subject"
    assert answerer.calibration is not None
    own = answerer.calibration.tasks["S7"]["subject"]
    mean = float(np.mean([one.prediction.logit for one in answers]))
    assert found.calibrated.probability == pytest.approx(
        float(own.calibrator.calibrate([mean])[0][0])
    )


@given(
    scores=st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=30),
    new=st.lists(st.floats(-6, 6), min_size=1, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_kept_steps_are_the_calibrators(scores: list[tuple[int, bool]], new: list[float]) -> None:
    labels = [0, 1, *(int(label) for _, label in scores)]
    logits = [0.3, -0.3, *(score / 2 for score, _ in scores)]
    calibrator = Calibrator("subject", tuple(logits), tuple(labels), (1.0,) * len(labels))
    kept = KeptCalibrator.of(calibrator)
    new = [*new, *logits]
    for logit, *expected in zip(new, *calibrator.calibrate(new), strict=True):
        assert kept.calibrate(logit) == pytest.approx(expected, abs=1e-12)


def test_what_sounds_like_nothing_in_training_is_flagged(
    answerer: Answerer, simulated: tuple[Example, ...], small_cohort: Path, tmp_path: Path
) -> None:
    # The small run has too few validation people: half of the training people set the scale.
    assert answerer.reference is not None
    assert answerer.reference.familiar is None
    examples = [
        e for t in ("S6", "S7") for e in get_task(t).examples(small_cohort, "train", "clean")
    ]
    heard = hear(examples, answerer.predictor.encoder)
    people = sorted({e.clip.record.subject_id for e in heard.examples})
    fitted, scale = (
        [i for i, e in enumerate(heard.examples) if e.clip.record.subject_id in people[half::2]]
        for half in (0, 1)
    )
    familiar = fit_familiar(
        summaries(heard.tokens(fitted)),
        summaries(heard.tokens(scale)),
        [heard.examples[i].clip.record.record_id for i in scale],
        [heard.examples[i].clip.record.subject_id for i in scale],
    )
    assert familiar is not None
    replace(answerer.reference, familiar=familiar).save(tmp_path, "weights")
    kept = read_reference(tmp_path, "weights", answerer.predictor.encoder.width)
    answerer = Answerer(answerer.predictor, None, kept)
    time = np.arange(5 * RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    strange = ask(answerer, Request(tone))
    assert strange.familiarity is not None
    assert strange.familiarity.unusual
    assert any("Unlike the training data" in one for one in strange.warnings)
    paths = list(dict.fromkeys(e.clip.record.audio_path for e in simulated))[:20]
    flagged = [ask(answerer, Request(path)).familiarity for path in paths]
    assert sum(one is not None and one.unusual for one in flagged) <= len(flagged) / 4


def test_people_count_alike_in_the_scale() -> None:
    random = np.random.default_rng(0)
    training = summaries(random.standard_normal((200, 64, 6)))
    validation = summaries(random.standard_normal((60, 64, 6)))
    people = ["talkative"] * 40 + [f"p{i}" for i in range(20)]
    found = fit_familiar(training, validation, [f"r{i}" for i in range(60)], people)
    assert found is not None
    assert found.weights.sum() == pytest.approx(21)
    assert found.percentile(0) == 0
    assert found.percentile(found.distances[-1] + 1) == pytest.approx(100)
    assert fit_familiar(training, validation, ["r"] * 60, ["one"] * 60) is None


def test_a_model_copied_alone_keeps_its_parts_and_a_bare_one_answers(
    trained_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_run / "model", tmp_path / "alone")
    alone = Answerer.from_pretrained(tmp_path / "alone", allow_simulated_model=True)
    assert ask(alone, Request(breath(3))).calibrated is not None
    for name in (CALIBRATION, REFERENCE):
        (tmp_path / "alone" / name).unlink()
    bare = ask(
        Answerer.from_pretrained(tmp_path / "alone", allow_simulated_model=True),
        Request(breath(3)),
    )
    assert bare.contributions is None
    assert bare.familiarity is None
    assert bare.why_uncalibrated == NO_FILE


@pytest.mark.parametrize("name", [CALIBRATION, REFERENCE])
@pytest.mark.parametrize("harm", ["cut", "flip", "other model"])
def test_a_damaged_part_is_refused(trained_run: Path, tmp_path: Path, name: str, harm: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained_run / "model", folder)
    path = folder / name
    content = path.read_bytes()
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "flip":
        place = len(content) - 100
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif name == CALIBRATION:
        Calibration().save(folder, "0" * 64)
    else:
        reference = Answerer.from_pretrained(folder).reference
        assert reference is not None
        reference.save(folder, "0" * 64)
    with pytest.raises(CheckpointError) as caught:
        Answerer.from_pretrained(folder)
    assert name in str(caught.value)


def test_a_table_has_columns_for_what_is_calibrated(answerer: Answerer, tmp_path: Path) -> None:
    answer = ask(answerer, Request(breath(3)))
    write_answers(tmp_path / "with.csv", [answer], calibrated=True)
    header, row = (tmp_path / "with.csv").read_text().splitlines()
    assert header.endswith(",notes,calibrated,low,high,verdict")
    assert row.rsplit(",", 1)[1] in {"yes", "no", "abstains"}
    write_answers(tmp_path / "without.csv", [answer], calibrated=False)
    assert (tmp_path / "without.csv").read_text().splitlines()[0].endswith(",notes")


def test_a_recording_that_cannot_be_heard_is_refused(answerer: Answerer) -> None:
    with pytest.raises(AudioError):
        answerer.hear(Request(np.zeros(RATE, np.float32)))
    assert answerer.answer([]) == []


def test_the_calibration_names_nobody(trained_run: Path, small_cohort: Path) -> None:
    text = (trained_run / "model" / CALIBRATION).read_text()
    content = json.loads(text)
    assert set(content["tasks"]) == {"S7", "S6"}
    people = get_task("S7").examples(small_cohort, "validation", "clean")
    assert not any(example.clip.record.subject_id in text for example in people)

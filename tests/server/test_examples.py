"""The simulated recordings are always the same, and say what the training data say."""

from __future__ import annotations

from respllm.audio import check_usable, load_audio
from respllm.datasets.vocabulary import MEDICAL_HISTORY, RECORDING_LOCATIONS, SYMPTOMS
from respllm.server.examples import make_examples
from respllm.tasks import builtin_tasks


def test_they_are_the_same_each_time_and_known_by_their_bytes() -> None:
    first, second = make_examples(), make_examples()
    assert first == second
    assert len(first.digests) == len(first.by_id) >= 6
    for example in first.by_id.values():
        assert second.has(example.audio)
        assert not second.has(example.audio + b"\0")


def test_they_can_be_heard_and_are_described_in_known_words() -> None:
    shown = [example.shown for example in make_examples().by_id.values()]
    assert {one.true_answer for one in shown} == {0, 1}
    assert {one.sound for one in shown} >= {"lung sounds", "cough sounds", "breath sounds"}
    for example in make_examples().by_id.values():
        check_usable(load_audio(example.audio))
        assert example.shown.sound == builtin_tasks()[example.shown.task].sound
        dms = example.dms
        assert set(dms.symptoms or ()) <= set(SYMPTOMS)
        assert set(dms.medical_history or ()) <= set(MEDICAL_HISTORY)
        assert dms.recording_location in (None, *RECORDING_LOCATIONS)
        assert example.shown.dms.age == dms.age

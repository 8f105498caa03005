from __future__ import annotations

import pytest

from respllm.errors import DataError
from respllm.evaluation import ScoredClip, choose_unit, gather


def clip(record: str, subject: str, logit: float, label: int) -> ScoredClip:
    return ScoredClip("S7", record, subject, logit, label)


def test_subject_score_is_the_mean_of_its_recordings_means() -> None:
    scored = [clip("a1", "a", 0, 1), clip("a1", "a", 2, 1), clip("a2", "a", 4, 1)]
    (subject,) = gather(scored, "subject")
    # By recording 1 and 4; a plain mean of the clips would be 2.
    assert (subject.unit_id, subject.logit, subject.label) == ("a", 2.5, 1)


def test_recordings_and_clips() -> None:
    scored = [clip("a1", "a", 0, 1), clip("b1", "b", 1, 0), clip("a1", "a", 2, 1)]
    assert [(one.unit_id, one.logit) for one in gather(scored, "recording")] == [
        ("a1", 1.0),
        ("b1", 1.0),
    ]
    assert [one.unit_id for one in gather(scored, "clip")] == ["a1#0", "a1#1", "b1#0"]


@pytest.mark.parametrize(
    ("labels", "unit"),
    [((1, 1, 1), "subject"), ((1, 1, 0), "recording"), ((1, 0, 0), "clip")],
)
def test_unit_is_the_largest_with_one_label(labels: tuple[int, int, int], unit: str) -> None:
    records = ("a1", "a1", "a2")
    scored = [clip(record, "a", 0, label) for record, label in zip(records, labels, strict=True)]
    scored.append(clip("b1", "b", 0, 0))
    assert choose_unit(scored) == unit


def test_unit_does_not_depend_on_the_scores() -> None:
    scored = [clip("a1", "a", float("nan"), 1), clip("b1", "b", float("inf"), 0)]
    assert choose_unit(scored) == "subject"
    assert choose_unit([]) == "subject"


def test_a_unit_with_both_labels_is_refused() -> None:
    scored = [clip("a1", "a", 0, 1), clip("a2", "a", 0, 0)]
    with pytest.raises(DataError, match="a has both labels"):
        gather(scored, "subject")
    assert len(gather(scored, "recording")) == 2


def test_a_recording_of_two_subjects_is_refused() -> None:
    with pytest.raises(DataError, match="r has two subjects"):
        gather([clip("r", "a", 0, 1), clip("r", "b", 0, 1)], "clip")


def test_a_label_that_is_none_is_refused() -> None:
    unlabelled = ScoredClip("S7", "r", "a", 0.0, None)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="label None of r"):
        gather([unlabelled], "clip")

"""A planted property is called a shortcut; chance is not, and the disease is only noted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from respllm.audio.properties import RecordingProperties
from respllm.audits.results import Finding, Shortcut
from respllm.audits.shortcuts import PROPERTIES, measure, record_scores, shortcuts
from respllm.evaluation import ScoredClip
from respllm.tasks import get_task
from tests.audio.sounds import noise, write
from tests.audits.making import Someone, examples_of, selection_of

PLAIN = RecordingProperties(16_000, 1, 8000.0, -20.0, 5.0, -60.0, 0.0)


def people(n: int, devices: tuple[str, ...]) -> list[Someone]:
    return [Someone(f"p{i}", i % 2, device=devices[i % len(devices)]) for i in range(n)]


def found_in(
    stated: list[Someone], **by_label: tuple[object, object]
) -> tuple[list[Shortcut], list[Finding]]:
    """Shortcuts of T6 where a property has one value for negatives and another for positives."""
    examples = examples_of(stated, get_task("T6"))
    measured = {
        example.clip.record.audio_path: replace(
            PLAIN, **{name: values[one.label] for name, values in by_label.items()}
        )
        for example, one in zip(examples, stated, strict=True)
    }
    half = len(examples) // 2
    selection = selection_of("T6", train=examples[:half], test=examples[half:])
    scores = {
        e.clip.record.record_id: float(o.label) for e, o in zip(examples, stated, strict=True)
    }
    return shortcuts([selection], measured, seed=0, model_scores={"T6": scores})


def test_a_device_that_tells_the_answer_is_found() -> None:
    rows, findings = found_in(people(120, ("A", "B")))
    by_name = {row.property: row for row in rows}
    assert [row.property for row in rows if row.found] == ["device"]
    device = by_name["device"]
    assert device.auroc.value == 1
    assert device.p_value == pytest.approx(0.001)
    assert device.explains == pytest.approx(1, abs=0.01)
    assert "on the test part alone 1.00" in device.auroc.note
    assert by_name["loudness"].auroc.value == 0.5
    assert by_name["loudness"].p_value == 1
    assert by_name["loudness"].explains == 0
    assert findings[0].verdict == "problem"
    assert "T6: the device alone tells the answer, AUROC 1.00" in findings[0].text
    assert "explains 100% of the model's score ranks" in findings[0].text


def test_what_can_be_the_disease_is_a_note() -> None:
    rows, findings = found_in(people(120, ("A",)), loudness_dbfs=(-30.0, -20.0))
    assert not any(row.found for row in rows)
    assert next(row for row in rows if row.property == "loudness").auroc.value == 1
    assert [finding.verdict for finding in findings] == ["note", "fine"]
    assert "cannot be told from the disease" in findings[0].text


def test_devices_by_chance_are_no_shortcut() -> None:
    rng = np.random.default_rng(0)
    for seed in range(5):
        stated = [
            Someone(f"p{i}", int(rng.integers(2)), device=str(rng.integers(4))) for i in range(100)
        ]
        examples = examples_of(stated, get_task("T6"))
        measured = {e.clip.record.audio_path: PLAIN for e in examples}
        rows, findings = shortcuts([selection_of("T6", test=examples)], measured, seed=seed)
        assert not any(row.found for row in rows)
        assert all(row.explains is None for row in rows)
        assert [finding.verdict for finding in findings] == ["fine"]


def test_correction_covers_all_tasks() -> None:
    """What is barely beyond chance in one task is less among six."""
    rng = np.random.default_rng(3)
    stated = [
        Someone(f"p{i}", i % 2, device=str(int(rng.random() < 0.43 + 0.14 * (i % 2))))
        for i in range(160)
    ]
    examples = examples_of(stated, get_task("T6"))
    measured = {e.clip.record.audio_path: PLAIN for e in examples}
    one = selection_of("T6", test=examples)
    alone_p = [r.p_value for r in shortcuts([one], measured, seed=0)[0] if r.property == "device"]
    noise_tasks = []
    for n in range(5):
        people_ = [Someone(f"p{i}", i % 2, device=str(rng.integers(2))) for i in range(160)]
        made = examples_of(people_, get_task("T6"))
        noise_tasks.append(selection_of(f"X{n}", test=made))
    rows, _ = shortcuts([one, *noise_tasks], measured, seed=0)
    corrected = next(r.p_value for r in rows if (r.task_id, r.property) == ("T6", "device"))
    assert corrected is not None
    assert alone_p[0] is not None
    assert 0.002 < alone_p[0] < 0.5
    assert corrected > 2 * alone_p[0]


def test_few_people_or_one_class_are_not_judged() -> None:
    for stated in (people(12, ("A", "B")), [Someone(f"p{i}", 1) for i in range(50)]):
        rows, findings = found_in(stated)
        assert rows == []
        assert [finding.verdict for finding in findings] == ["not checked"]
        assert "too few" in findings[0].text
    rows, findings = found_in([])
    assert rows == []
    assert [finding.verdict for finding in findings] == ["not checked"]


def test_recordings_that_cannot_be_decoded_are_left_out(tmp_path: Path) -> None:
    good = write(tmp_path / "good.wav", noise(1))
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"noise")
    examples = examples_of(people(2, ("A",)), get_task("T6"))
    placed = [
        replace(e, clip=replace(e.clip, record=replace(e.clip.record, audio_path=path)))
        for e, path in zip(examples, (good, bad), strict=True)
    ]
    assert list(measure(placed)) == [good]


def test_every_property_is_read_from_a_record_or_a_file() -> None:
    record = examples_of(people(1, ("A",)), get_task("T6"))[0].clip.record
    record = replace(record, recruitment="REACT", site="B", language="en")
    assert {name: one.value(record, PLAIN) for name, one in PROPERTIES.items()} == {
        "sampling rate": 16_000,
        "channels": 1,
        "bandwidth": 8000.0,
        "device": "A",
        "recruitment source": "REACT",
        "site": "B",
        "language": "en",
        "loudness": -20.0,
        "duration": 5.0,
        "noise floor": -60.0,
        "clipping": 0.0,
    }


def test_a_recording_has_the_mean_score_of_its_clips() -> None:
    clips = [ScoredClip("T6", "r", "s", score, 1) for score in (1.0, 2.0)]
    assert record_scores(clips) == {"r": 1.5}

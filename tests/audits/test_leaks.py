"""People and sounds in two parts are found, changed or not; others are not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
from scipy.signal import lfilter

from respllm.audits.leaks import leaks
from respllm.audits.results import Leak
from respllm.types import Clip, Dms, Example, Record
from tests.audio.sounds import encoded, write
from tests.audits.making import selection_of


def breath(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Coloured noise that swells twice, as everybody's does."""
    n = round(seconds * 16_000)
    rough = lfilter([1], [1, -0.9], np.random.default_rng(seed).standard_normal(n))
    return (0.02 * rough * (1.2 - np.cos(np.linspace(0, 4 * np.pi, n)))).astype(np.float32)


def example(
    path: Path,
    person: str,
    name: str,
    label: int = 0,
    start: float = 0.0,
    stop: float | None = None,
) -> Example:
    record = Record(
        f"icbhi/{name}", f"icbhi/{person}", "icbhi", "lung", path, Dms(), {"copd": label}
    )
    return Example("S7", Clip(record, start, stop), "", "", label)


@pytest.fixture
def train(tmp_path: Path) -> list[Example]:
    return [
        example(write(tmp_path / f"train{i}.wav", breath(i)), f"a{i}", f"train{i}")
        for i in range(6)
    ]


@pytest.fixture
def tested_part(tmp_path: Path) -> list[Example]:
    return [
        example(write(tmp_path / f"test{i}.wav", breath(100 + i)), f"b{i}", f"test{i}")
        for i in range(6)
    ]


def found_in(train: list[Example], test: list[Example]) -> tuple[list[Leak], list[str]]:
    selection = selection_of("S7", train, test)
    rows, findings = leaks([selection], [selection], lambda task, subject: subject)
    return rows, [f"{finding.verdict}: {finding.text}" for finding in findings]


def test_parts_that_share_nothing_are_fine(
    train: list[Example], tested_part: list[Example]
) -> None:
    rows, findings = found_in(train, tested_part)
    assert rows == []
    assert findings[0].startswith("fine: Nobody, and none of 6 tested recordings, is in")


def test_a_person_in_two_parts(train: list[Example], tested_part: list[Example]) -> None:
    own = train[2].clip.record.subject_id
    changed = replace(
        tested_part[0], clip=Clip(replace(tested_part[0].clip.record, subject_id=own))
    )
    rows, findings = found_in(train, [changed, *tested_part[1:]])
    assert [(row.kind, row.parts, row.count) for row in rows] == [
        ("subject in two parts", ("train", "test"), 1)
    ]
    assert rows[0].examples == ("icbhi/train2 = icbhi/test0",)
    assert findings == ["problem: 1 person is in both the train and the test part (S7)."]
    assert "a2" not in findings[0]


def test_identical_files_under_another_name(
    train: list[Example], tested_part: list[Example], tmp_path: Path
) -> None:
    path = Path(shutil.copy(train[1].clip.record.audio_path, tmp_path / "copy.wav"))
    rows, findings = found_in(train, [*tested_part, example(path, "c", "copy", label=1)])
    assert [(row.kind, row.count) for row in rows] == [
        ("identical audio", 1),
        ("identical audio, contradictory labels", 2),
    ]
    assert all(row.examples == ("icbhi/train1 = icbhi/copy",) for row in rows)
    assert all(text.startswith("problem") for text in findings)


def test_two_stretches_of_one_file_are_two_recordings(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", breath(0, 8.0))
    first, second = example(path, "a", "one", 0, 0.0, 4.0), example(path, "b", "two", 1, 4.0, 8.0)
    assert found_in([first], [second])[0] == []
    overlapping = example(path, "b", "two", 1, 3.0, 7.0)
    assert {row.kind for row in found_in([first], [overlapping])[0]} == {
        "identical audio",
        "identical audio, contradictory labels",
    }


CHANGES = {
    "quieter": lambda x: (0.2 * x, 16_000, "wav"),
    "upside down": lambda x: (-x, 16_000, "wav"),
    "100 ms later": lambda x: (x[1600:], 16_000, "wav"),
    "after 300 ms of silence": lambda x: (np.concatenate([np.zeros(4800), x]), 16_000, "wav"),
    "4 kHz": lambda x: (soxr.resample(x, 16_000, 4_000), 4_000, "wav"),
    "44.1 kHz": lambda x: (soxr.resample(x, 16_000, 44_100), 44_100, "wav"),
    "ogg": lambda x: (x, 16_000, "ogg"),
    "mp3": lambda x: (x, 16_000, "mp3"),
    "8-bit steps": lambda x: (np.round(x * 128) / 128, 16_000, "wav"),
    "cut short": lambda x: (x[: len(x) * 2 // 3], 16_000, "wav"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(
    change: str, train: list[Example], tested_part: list[Example], tmp_path: Path
) -> None:
    samples, rate, kind = CHANGES[change](breath(3).astype(np.float64))
    path = tmp_path / f"copy.{kind}"
    path.write_bytes(encoded(samples.astype(np.float32), rate, kind))
    rows, findings = found_in(train, [*tested_part, example(path, "c", "copy")])
    assert [(row.kind, row.parts, row.count, row.examples) for row in rows] == [
        ("nearly identical audio", ("train", "test"), 1, ("icbhi/train3 = icbhi/copy",))
    ]
    assert "1 recording of the test part: a changed copy of one of train (S7)" in findings[0]


def test_a_training_and_a_validation_part_that_overlap_are_a_note(train: list[Example]) -> None:
    selection = selection_of("S7", train, validation=train[:2])
    rows, findings = leaks([selection], [selection], lambda task, subject: subject)
    assert {row.parts for row in rows} == {("train", "validation")}
    assert [finding.verdict for finding in findings] == ["note", "note", "fine"]


def test_silent_broken_and_missing_files_are_passed_over(
    train: list[Example], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"noise")
    odd = [
        example(write(tmp_path / "silent.wav", np.zeros(32_000)), "s", "silent"),
        example(broken, "t", "broken"),
        example(tmp_path / "missing.wav", "u", "missing"),
        example(write(tmp_path / "short.wav", breath(0)[:100]), "v", "short"),
    ]
    assert found_in(train, odd)[0] == []
    assert found_in(odd, train)[0] == []


def test_without_a_training_part_nothing_is_claimed(tested_part: list[Example]) -> None:
    rows, findings = leaks(
        [], [selection_of("S7", test=tested_part)], lambda task, subject: subject
    )
    assert rows == []
    assert findings[0].verdict == "not checked"

"""`verify`: what is there, what cannot be heard, and what each task makes of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from respllm.datasets import DATASETS, load_records
from respllm.errors import DataError
from respllm.tasks import verify
from respllm.tasks.verification import PartCounts, TaskReport, Verification
from tests.audio.sounds import write


def _task(verification: Verification, task_id: str, protocol: str) -> TaskReport:
    return next(t for t in verification.tasks if (t.task_id, t.protocol) == (task_id, protocol))


def test_a_whole_cohort(small_cohort: Path) -> None:
    calls = []
    found = verify(small_cohort, progress=lambda done, total: calls.append((done, total)))
    assert [report.name for report in found.datasets] == list(DATASETS)
    for report in found.datasets:
        assert report.problem == ""
        assert report.unusable == {}
        records = load_records(report.name, small_cohort)
        assert report.found == len(records)
        assert report.subjects == len({record.subject_id for record in records})
    total = sum(report.found for report in found.datasets)
    assert calls == [(done, total) for done in range(1, total + 1)]
    assert len(found.tasks) == 26
    for task in found.tasks:
        if task.protocol == "clean":
            assert task.problem == ""
            assert task.parts["test"].negative > 0 < task.parts["test"].positive
            assert task.index is None
    assert "'opera'" in _task(found, "S1", "paper").problem
    assert _task(found, "S1", "paper").index == {
        "train": (652, 348),
        "validation": (327, 173),
        "test": (681, 319),
    }
    s7 = _task(found, "S7", "clean")
    assert (s7.table1_train, s7.table1_test) == (462, 366)


def test_bad_recordings_and_damaged_datasets_are_named(tmp_path: Path, small_cohort: Path) -> None:
    shutil.copytree(small_cohort / "coswara", tmp_path / "coswara")
    shutil.copytree(small_cohort / "icbhi", tmp_path / "icbhi")
    (tmp_path / "kauh").mkdir()
    silent, text, short, gone = load_records("coswara", tmp_path)[:4]
    write(silent.audio_path, np.zeros(16_000, np.float32))
    text.audio_path.write_text("no sound")
    write(short.audio_path, np.ones(100, np.float32))
    gone.audio_path.unlink()
    found = {report.name: report for report in verify(tmp_path).datasets}
    assert found["coswara"].missing == (gone.record_id,)
    reasons = found["coswara"].unusable
    assert reasons.keys() == {silent.record_id, text.record_id, short.record_id}
    assert "silent" in reasons[silent.record_id]
    assert "cannot be decoded" in reasons[text.record_id]
    assert "too short" in reasons[short.record_id]
    assert found["kauh"].problem
    assert found["uk_covid19"].problem == "no folder"
    assert found["icbhi"].unusable == {}


def test_a_folder_without_datasets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No dataset is here") as caught:
        verify(tmp_path)
    assert "coswara" in str(caught.value)
    assert "respllm simulate" in str(caught.value)


def test_the_known_silent_and_empty_files_of_coswara(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "coswara").symlink_to(shared_data / "coswara")
    found = verify(tmp_path)
    report = next(report for report in found.datasets if report.name == "coswara")
    assert (report.found, report.subjects, len(report.missing)) == (314, 81, 2746 * 4 - 314)
    listed = {
        f"coswara/{line.split('/')[2]}/{Path(line.split()[0]).stem}"
        for line in (shared_data / "coswara" / "SILENT.txt").read_text().splitlines()
        if line.startswith("Extracted_data/")
    }
    assert len(listed) == 30
    almost = {
        "coswara/2TkAK2YVkYS7Ux3hAPBUgYgg9DI3/breathing-shallow",
        "coswara/xyDgyXrDoyXu5CFqcNe20LRjYqg1/breathing-deep",
        "coswara/xyDgyXrDoyXu5CFqcNe20LRjYqg1/breathing-shallow",
    }
    assert set(report.unusable) == listed | almost
    assert sum("no samples" in reason for reason in report.unusable.values()) == 8
    t1 = _task(found, "T1", "clean").parts["test"]
    assert t1 == PartCounts(negative=66, positive=5, subjects=71, clips=t1.clips)
    assert "0 people per group" in _task(found, "T1", "paper").notes[0]
    assert _task(found, "S7", "clean").problem == "no readable data"

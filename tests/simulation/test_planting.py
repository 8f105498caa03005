"""What is planted is what is told, and only simulated cohorts are touched."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from respllm.audio import load_audio, read_facts
from respllm.audio.fingerprints import waveform_match
from respllm.datasets.registry import load_records
from respllm.errors import ConfigError, SafetyError
from respllm.simulation import MARKER
from respllm.simulation.planting import plant_device_shortcut, plant_subject_leak
from respllm.types import Record


@pytest.fixture
def cohort(small_cohort: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    root = tmp_path / "data"
    root.mkdir()
    shutil.copy(small_cohort / MARKER, root)
    for dataset in ("icbhi", "uk_covid19"):
        shutil.copytree(small_cohort / dataset, root / dataset)
    return root


def records(root: Path, dataset: str = "icbhi") -> dict[str, Record]:
    return {record.record_id: record for record in load_records(dataset, root)}


def test_copies_are_other_people_in_the_test_part(cohort: Path) -> None:
    before = records(cohort)
    planted = plant_subject_leak(cohort, 0.2, seed=3)
    after = records(cohort)
    training = {
        r.subject_id
        for r in before.values()
        if r.splits["official"] == "train" and "copd" in r.labels
    }
    assert len(planted) == round(0.2 * len(training))
    assert after.keys() - before.keys() == {one.copy for one in planted}
    subjects = {record.subject_id for record in before.values()}
    for one in planted:
        source, copy = before[one.source], after[one.copy]
        assert copy.subject_id not in subjects
        assert (source.splits["official"], copy.splits["official"]) == ("train", "test")
        assert (copy.labels, copy.dms, copy.device) == (source.labels, source.dms, source.device)
        first, second = read_facts(source.audio_path), read_facts(copy.audio_path)
        assert first.sha256 != second.sha256
        assert second.sample_rate == one.rate != first.sample_rate
        assert len(copy.events) == len(source.events)
        match = waveform_match(load_audio(source.audio_path), load_audio(copy.audio_path))
        assert match > 0.9


def test_positives_come_from_another_device(cohort: Path) -> None:
    before = records(cohort)
    planted = plant_device_shortcut(cohort, "icbhi", 0.5, seed=3)
    after = records(cohort)
    positives = [r for r in before.values() if r.labels.get("copd") == 1]
    assert len(planted) == round(0.5 * len(positives))
    assert len(after) == len(before)
    for one in planted:
        source, changed = before[one.before], after[one.after]
        assert changed.device == "AKGC417L"
        assert (changed.subject_id, changed.labels) == (source.subject_id, source.labels)
        assert (changed.splits, changed.events) == (source.splits, source.events)
        assert read_facts(changed.audio_path).sample_rate == one.rate == 44_100
    untouched = before.keys() & after.keys() - {one.after for one in planted}
    assert all(before[name] == after[name] for name in untouched)


def test_a_dataset_without_device_names_gets_another_rate(cohort: Path) -> None:
    before = records(cohort, "uk_covid19")
    planted = plant_device_shortcut(cohort, "uk_covid19", 0.5, seed=3)
    after = records(cohort, "uk_covid19")
    assert before.keys() == after.keys()
    for one in planted:
        assert one.before == one.after
        assert after[one.after].labels["covid19"] == 1
        assert read_facts(after[one.after].audio_path).sample_rate == 48_000


def test_the_same_seed_plants_the_same(cohort: Path, small_cohort: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(small_cohort / MARKER, other)
    shutil.copytree(small_cohort / "icbhi", other / "icbhi")
    assert plant_subject_leak(cohort, 0.1, 0) == plant_subject_leak(other, 0.1, 0)
    assert _contents(cohort / "icbhi") == _contents(other / "icbhi")


def test_nothing_is_planted_among_patients(cohort: Path) -> None:
    (cohort / MARKER).unlink()
    before = _contents(cohort)
    with pytest.raises(SafetyError, match="no simulated cohort"):
        plant_subject_leak(cohort, 0.1, 0)
    with pytest.raises(SafetyError, match="no simulated cohort"):
        plant_device_shortcut(cohort, "icbhi", 0.1, 0)
    assert _contents(cohort) == before


@pytest.mark.parametrize("share", [0, -1, 1.5, 1e-6, float("nan")])
def test_a_share_that_takes_nothing_is_refused(cohort: Path, share: float) -> None:
    with pytest.raises(ConfigError, match="takes none"):
        plant_subject_leak(cohort, share, 0)
    with pytest.raises(ConfigError, match="dataset to plant in"):
        plant_device_shortcut(cohort, "icbh", 0.5, 0)


def _contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }

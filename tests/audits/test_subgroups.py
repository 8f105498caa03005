"""Every stated group gets its score, small ones a flag, the worst a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from respllm.audits.subgroups import age_band, subgroups, unstated
from respllm.types import Dms, Record
from tests.audits.making import Someone, asked_about, crowd


def by_sound(prompt: str, text: str, sound: float) -> float:
    return sound


@pytest.mark.parametrize(
    ("age", "band"),
    [
        *[(0, "under 18"), (17.9, "under 18"), (18, "18-44"), (64, "45-64"), (65, "65 and over")],
        *[("16-19", "16-19"), (None, None)],
    ],
)
def test_ages_have_bands(age: float | str | None, band: str | None) -> None:
    assert age_band(Record("r", "s", "d", "lung", Path(), Dms(age=age))) == band


def test_the_worst_group_is_named() -> None:
    rng = np.random.default_rng(0)
    people = [
        replace(one, sound=one.sound if one.dms.gender == "Female" else float(rng.normal()))
        for one in crowd(400)
    ]
    one, _, _ = asked_about(people, by_sound)
    rows, findings = subgroups(one)
    sex = {row.group: row for row in rows if row.attribute == "sex"}
    assert set(sex) == {"Female", "Male"}
    for group, row in sex.items():
        own = [p for p in people if p.dms.gender == group]
        expected = roc_auc_score([p.label for p in own], [p.sound for p in own])
        assert row.score.value == pytest.approx(expected, abs=1e-6)
    assert sex["Male"].worst
    assert not sex["Female"].worst
    told = next(f for f in findings if "by sex" in f.text)
    assert told.verdict == "note"
    assert "'Male'" in told.text


def test_small_groups_are_flagged_and_never_the_worst() -> None:
    people = [
        Someone(f"p{i}", i % 2, float(i % 2), device="A" if i < 30 else "B") for i in range(60)
    ]
    people += [Someone(f"c{i}", i % 2, -float(i % 2), device="C") for i in range(6)]
    people += [Someone(f"d{i}", 1, 0.0, device="D") for i in range(30)]
    people += [Someone("e", 0, 0.0)]
    one, _, _ = asked_about(people, by_sound)
    rows, findings = subgroups(one)
    by_group = {row.group: row for row in rows}
    assert list(by_group) == ["A", "B", "C", "D", "not stated"]
    assert [g for g, row in by_group.items() if row.small] == ["C", "D", "not stated"]
    assert by_group["D"].score.value is None
    assert by_group["D"].score.note == "only positives"
    assert sum(row.worst for row in rows) == 1
    assert not by_group["C"].worst
    assert any("3 of 5 groups" in finding.text for finding in findings)


def test_what_nobody_states_is_said() -> None:
    one, _, _ = asked_about([Someone(f"p{i}", i % 2) for i in range(10)], by_sound)
    rows, (finding,) = subgroups(one)
    assert rows == []
    assert finding.verdict == "not checked"
    told = {finding.text.split(" is not")[0] for finding in unstated([one])}
    assert told == {"Sex", "Age band", "Device", "Site", "Language"}


def test_site_and_language_are_groups_where_they_are_stated() -> None:
    people = [
        Someone(f"p{i}", i % 2, float(i % 2), site="AB"[i // 20], language="en") for i in range(40)
    ]
    one, _, _ = asked_about(people, by_sound)
    rows, _ = subgroups(one)
    assert {(r.attribute, r.group) for r in rows} == {
        ("site", "A"),
        ("site", "B"),
        ("language", "en"),
    }
    assert {finding.text.split(" is not")[0] for finding in unstated([one])} == {
        *("Sex", "Age band", "Device")
    }

from __future__ import annotations

import json
from pathlib import Path

import pytest

from respllm.encoders import load_encoder
from respllm.pretraining.probing import BASELINES, ProbeRow, Versus, probe
from respllm.pretraining.probing.looking import written_down
from respllm.types import Score


def row_of(name: str, value: float | None) -> ProbeRow:
    """An answered question about people held out; without a value one that was not asked."""
    if value is None:
        return ProbeRow(name, "", True, None, (), 0, None, "only 3 people of answer 1")
    score = Score("auroc", value, 0.5, 0.9, 30, 30, 10, 20, "subject", "")
    versus = tuple(Versus(one, score, 0.0, -0.1, 0.1, "") for one in BASELINES)
    return ProbeRow(name, "", True, score, versus, 0, None)


def stand_in(question: object, *_: object) -> ProbeRow:
    return row_of(question.id, 0.7) if question.final else ROW_OF_S7  # type: ignore[attr-defined]


ROW_OF_S7 = ProbeRow("S7", "", False, row_of("S7", 0.6).score, (), 0, None)


def test_each_look_is_a_line_with_what_came_out(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for name, value in (("T5", 0.7), ("T6", None), ("T5", 0.8)):
        row = row_of(name, value)
        assert written_down(folder, "mel-patch", lambda row=row: row) is row
    lines = [json.loads(line) for line in (folder / "looks.jsonl").read_text().splitlines()]
    assert [line["result"]["auroc"] for line in lines] == [0.7, 0.8]
    assert {(line["what"], line["model"], line["question"]) for line in lines} == {
        ("probe", "mel-patch", "T5")
    }
    assert lines[0]["time"].startswith("20")
    assert list(lines[0]["result"]["baselines"]) == list(BASELINES)


def test_only_looks_at_people_held_out_are_written_down(
    small_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("respllm.pretraining.probing.comparing._row", stand_in)
    mel_patch = load_encoder("mel-patch")
    for final in (False, True):
        found = probe(mel_patch, small_cohort, tasks=["S7"], final=final, out=tmp_path)
        assert found.looks is None
    assert not list(tmp_path.iterdir())
    found = probe(mel_patch, small_cohort, final=True, out=tmp_path)
    assert found.looks == tmp_path / "looks.jsonl"
    lines = found.looks.read_text().splitlines()
    asked = [json.loads(line)["question"] for line in lines]
    assert asked == [row.id for row in found.rows if row.final]
    assert "T5" in asked


def test_nobody_is_looked_at_where_it_cannot_be_written_down(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    asked = []
    with pytest.raises(OSError, match="file"):
        written_down(tmp_path / "file", "mel-patch", lambda: asked.append(1))  # type: ignore[arg-type]
    assert not asked

"""A table is exactly what the kept scores say: means over seeds and sources, leads, the paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from respllm.comparisons import cell_lines, comparison_frame, comparison_markdown, mean_lines
from respllm.comparisons.entries import Entry, entry
from respllm.comparisons.tabulating import ComparisonResult, tabulate
from respllm.evaluation import DISCLAIMER, ScoredClip, ScoreRow
from respllm.tasks import builtin_tasks

TASKS = builtin_tasks()
TRAINED = [TASKS["S2"], TASKS["S4"]]
LABELS = np.arange(40) % 2
SEEDS = (0, 1, 2)


def rows(source: str, task: str, skill: float, seed: int) -> list[ScoreRow]:
    random = np.random.default_rng([seed, len(source), int(10 * skill)])
    logits = random.standard_normal(40) + skill * LABELS
    return [
        ScoreRow(
            source,
            "test",
            f"{task}/c{i}",
            ScoredClip(task, f"{task}/r{i}", f"{task}/p{i}", float(logits[i]), int(LABELS[i])),
        )
        for i in range(40)
    ]


def auroc(found: list[ScoreRow]) -> float:
    return float(roc_auc_score([r.scored.label for r in found], [r.scored.logit for r in found]))


def result(
    names: tuple[str, ...],
    kept: dict,
    tasks: list[str],
    left_out: dict[str, dict[str, str]] = {},  # noqa: B006
    **options: object,
) -> ComparisonResult:
    settings: dict = {
        "title": "Some table",
        "columns": "targets",
        "table": 3,
        "reference": names[-1],
        "protocol": "clean",
        "simulated": False,
        "seeds": SEEDS,
    }
    entries: list[Entry] = [entry(name) for name in names]
    return tabulate(
        entries,
        kept,
        {},
        left_out,
        [TASKS[name] for name in tasks],
        TRAINED,
        **(settings | options),
    )


@pytest.fixture
def kept() -> dict[str, list[list[ScoreRow]]]:
    """An audio baseline of two source tasks, and one joint model that is better."""
    return {
        "audio": [rows("S2", "T1", 0.2, s) + rows("S4", "T1", 0.8, s) for s in SEEDS],
        "respllm": [rows("S2+S4", "T1", 2.0, s) + rows("S2+S4", "T6", 0.0, s) for s in SEEDS],
    }


def test_auroc_is_the_mean_over_seeds_and_sources(kept: dict) -> None:
    table = result(("audio", "respllm"), kept, ["T1", "T6"])
    audio, respllm = table.rows
    expected = np.mean(
        [auroc(seed[40 * m : 40 * m + 40]) for seed in kept["audio"] for m in (0, 1)]
    )
    assert audio.cells[0].score is not None
    assert audio.cells[0].score.value == pytest.approx(expected, abs=1e-12)
    assert audio.cells[0].sources == ("S2", "S4")
    assert respllm.cells[0].score is not None
    assert respllm.cells[0].score.value == pytest.approx(
        np.mean([auroc(seed[:40]) for seed in kept["respllm"]]), abs=1e-12
    )
    assert audio.cells[0].paper == 0.6076
    assert respllm.cells[0].paper == 0.6424


def test_a_task_that_nobody_can_answer_stays_empty_and_out_of_the_mean(kept: dict) -> None:
    table = result(("audio", "respllm"), kept, ["T1", "T6"])
    audio, respllm = table.rows
    assert audio.cells[1].score is None
    assert audio.cells[1].lead is None
    assert cell_lines(audio.cells[1]) == ["–"]
    assert respllm.cells[1].score is not None
    assert table.averaged == ("T1",)
    assert "No answer to T6: Audio." in comparison_markdown(table)
    assert audio.mean == pytest.approx(audio.cells[0].score.value if audio.cells[0].score else 0)


def test_the_lead_is_the_references_and_paired(kept: dict) -> None:
    audio, respllm = result(("audio", "respllm"), kept, ["T1", "T6"]).rows
    lead = audio.cells[0].lead
    assert lead is not None
    assert lead.value is not None
    assert lead.low is not None
    assert lead.value == pytest.approx(
        respllm.cells[0].score.value - audio.cells[0].score.value  # type: ignore[union-attr,operator]
    )
    assert lead.low > 0
    assert audio.cells[0].p_corrected is not None
    assert audio.cells[0].p_corrected < 0.05
    assert audio.mean_lead is not None
    assert audio.mean_lead.value == pytest.approx(lead.value)
    assert respllm.cells[0].lead is None
    assert respllm.mean_lead is None


def test_a_model_that_was_not_run_keeps_its_row_and_says_why(kept: dict) -> None:
    table = result(("fusion-soft", "audio", "respllm"), kept, ["T1"])
    assert table.rows[0].not_run
    assert table.rows[0].cells[0].paper == 0.619
    assert table.averaged == ("T1",)
    assert "Fusion-soft was not run" in comparison_markdown(table)


def test_table_7_prints_both_of_the_papers_averages() -> None:
    names = ["T1", "T2", "T3", "T4", "T5", "T6"]
    table = result(("llm-openbiollm-8b",), {}, names, table=7)
    assert mean_lines(table.rows[0]) == ["–", "paper 0.6449", "its columns 0.6433"]
    assert result(("llm-openbiollm-8b",), {}, names[:3], table=7).rows[0].paper.printed is None


def test_markdown_and_frame_hold_the_same_numbers(kept: dict) -> None:
    table = result(("audio", "respllm"), kept, ["T1", "T6"], simulated=True)
    text = comparison_markdown(table)
    assert text.startswith("# SIMULATED: ")
    assert DISCLAIMER in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in tables}) == 1
    frame = comparison_frame(table)
    assert len(frame) == 4
    value = float(frame.query("model == 'audio' and task == 'T1'").auroc.iloc[0])
    assert re.search(rf"Audio \| {value:.3f} \(", text)


@pytest.mark.parametrize(
    ("keep", "says"),
    [
        (lambda row: row.scored.label == 1, "only positives"),
        (lambda row: row.scored.record_id in {"T1/r0", "T1/r1"}, ""),
        (lambda row: int(row.scored.record_id.split("r")[1]) < 10, ""),
    ],
)
def test_too_little_gives_a_statement_or_a_wide_interval_and_never_a_crash(
    kept: dict, keep: Callable[[ScoreRow], bool], says: str
) -> None:
    few = {name: [list(filter(keep, seed)) for seed in seeds] for name, seeds in kept.items()}
    table = result(("audio", "respllm"), few, ["T1"])
    for row in table.rows:
        score = row.cells[0].score
        assert score is not None
        if says:
            assert score.value is score.low is score.high is row.mean is None
            assert says in score.note
            assert f"{row.entry.title} on T1: {says}" in comparison_markdown(table)
        else:
            assert score.low is not None
            assert score.high is not None
            assert score.high - score.low > 0.2
    assert "not a medical device" in comparison_markdown(table)
    assert len(comparison_frame(table)) == 2


def test_constant_scores_are_said_and_lead_nowhere(kept: dict) -> None:
    constant = [
        [replace(r, scored=replace(r.scored, logit=0.0)) for r in seed] for seed in kept["audio"]
    ]
    audio, respllm = result(("audio", "respllm"), kept | {"audio": constant}, ["T1"]).rows
    assert audio.cells[0].score is not None
    assert audio.cells[0].score.value == 0.5
    assert "same" in audio.cells[0].score.note
    assert respllm.cells[0].score is not None

from __future__ import annotations

from dataclasses import replace

import pytest

from respllm.evaluation import (
    DISCLAIMER,
    ResultRow,
    ScoredClip,
    auroc_score,
    rows_to_frame,
    rows_to_markdown,
)

SCORE = auroc_score(
    [
        ScoredClip("S7", "a", "a", 2.0, 1),
        ScoredClip("S7", "b", "b", 1.0, 0),
        ScoredClip("S7", "c", "c", 0.0, 1),
        ScoredClip("S7", "d", "d", -1.0, 0),
    ]
)
UNDEFINED = auroc_score([ScoredClip("T5", "a", "a", 2.0, 1)])
ROW = ResultRow(
    task_id="S7",
    dataset="icbhi",
    condition="COPD",
    sound="lung sounds",
    role="trained",
    split="test",
    protocol="clean",
    score=SCORE,
    paper=1.0,
    trivial={"age": SCORE, "sampling rate": UNDEFINED},
    skipped=3,
)


def lines_with(text: str, start: str) -> list[list[str]]:
    found = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def test_markdown_shows_the_numbers() -> None:
    text = rows_to_markdown([ROW], "Results", simulated=False)
    (header,), (row,) = lines_with(text, "Task"), lines_with(text, "S7")
    shown = dict(zip(header, row, strict=True))
    assert shown["AUROC"] == "0.750"
    assert shown["Subjects (1/0)"] == "4 (2/2)"
    assert shown["Paper"] == "1.000"
    assert shown["Best reachable"] == "–"
    assert shown["Age alone"] == "0.750"
    assert shown["Sampling rate alone"] == "–"
    assert shown["Skipped"] == "3"
    assert shown["95% interval"] == f"{SCORE.low:.3f} to {SCORE.high:.3f}"
    assert "Protocol: clean. One score per subject. Interval: Newcombe" in text


def test_simulated_is_said_twice_and_only_then() -> None:
    simulated = rows_to_markdown([ROW], "Results", simulated=True)
    assert simulated.splitlines()[0] == "# SIMULATED: Results"
    assert simulated.count("SIMULATED") == 2
    assert "SIMULATED" not in rows_to_markdown([ROW], "Results", simulated=False)


@pytest.mark.parametrize("rows", [[], [ROW]])
def test_always_says_that_it_is_no_diagnosis(rows: list[ResultRow]) -> None:
    assert DISCLAIMER == ("Research software: not a medical device, no number here is a diagnosis.")
    assert DISCLAIMER in rows_to_markdown(rows, "Results", simulated=False).splitlines()


def test_protocols_are_never_mixed() -> None:
    rows = [ROW, replace(ROW, protocol="paper")]
    with pytest.raises(ValueError, match="clean and paper"):
        rows_to_markdown(rows, "Results", simulated=False)
    with pytest.raises(ValueError, match="clean and paper"):
        rows_to_frame(rows)


def test_means_stand_at_the_bottom_by_role() -> None:
    better = replace(SCORE, value=0.85)
    rows = [
        replace(ROW, task_id="T5", role="zero-shot", paper=None),
        ROW,
        replace(ROW, task_id="S8", score=better, paper=0.9),
        replace(ROW, task_id="T6", role="zero-shot"),
    ]
    text = rows_to_markdown(rows, "Results", simulated=False)
    (header,) = lines_with(text, "Task")
    trained, zero_shot = (
        dict(zip(header, cells, strict=True)) for cells in lines_with(text, "mean of 2")
    )
    assert (trained["Role"], trained["AUROC"], trained["Paper"]) == ("trained", "0.800", "0.950")
    assert (zero_shot["Role"], zero_shot["AUROC"], zero_shot["Paper"]) == (
        "zero-shot",
        "0.750",
        "–",
    )
    assert trained["95% interval"] == ""
    tasks = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    assert tasks[2:] == ["S7", "S8", "T5", "T6", "mean of 2", "mean of 2"]


def test_a_mean_with_an_undefined_part_is_undefined() -> None:
    rows = [ROW, replace(ROW, task_id="S8", score=UNDEFINED)]
    text = rows_to_markdown(rows, "Results", simulated=False)
    (header,), (mean,) = lines_with(text, "Task"), lines_with(text, "mean of 2")
    assert dict(zip(header, mean, strict=True))["AUROC"] == "–"
    (undefined,) = lines_with(text, "S8")
    assert undefined[-1] == "only positives"


def test_one_row_and_other_splits_have_no_mean() -> None:
    rows = [ROW, replace(ROW, split="validation")]
    assert "mean of" not in rows_to_markdown(rows, "Results", simulated=False)


def test_a_cell_cannot_break_the_table() -> None:
    row = replace(ROW, condition="a | b\nc")
    text = rows_to_markdown([row], "Results", simulated=False)
    assert "| a \\| b c |" in text


def test_frame_keeps_numbers_unrounded() -> None:
    frame = rows_to_frame([ROW, replace(ROW, task_id="T5", score=UNDEFINED, note="few")])
    assert list(frame["task"]) == ["S7", "T5"]
    assert frame.loc[0, "low"] == SCORE.low
    assert frame.loc[0, "trivial_age"] == 0.75
    assert frame["auroc"].isna().tolist() == [False, True]
    assert frame.loc[1, "note"] == "only positives; few"
    assert rows_to_frame([]).empty

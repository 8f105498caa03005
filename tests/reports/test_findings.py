"""Each rule of the minute's reading, on results made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.audits.results import Finding
from respllm.evaluation.assessment import Conformal, DecisionCurve, Estimate
from respllm.reports import BaselineDifference
from respllm.reports.findings import find
from respllm.reports.inputs import ReportInputs
from respllm.reports.statements import rivals
from tests.reports.making import (
    a_difference,
    a_row,
    a_score,
    an_assessment,
    an_audit,
    bare_inputs,
    full_inputs,
)

FINE = an_audit((Finding("leaks", "", "fine", "No leak."),))


def texts(inputs: ReportInputs, verdict: str) -> list[str]:
    return [one.text for one in find(inputs).statements if one.verdict == verdict]


def good_inputs(**changes: object) -> ReportInputs:
    """A run without a flaw."""
    inputs = bare_inputs(
        audit=FINE,
        assessments=(an_assessment("S7", Estimate(1.0, 0.7, 1.3)),),
        differences=(BaselineDifference("S7", "Audio", a_difference(0.1, 0.02, 0.2)),),
    )
    return replace(inputs, **changes)  # type: ignore[arg-type]


def test_a_run_without_a_flaw_is_believed() -> None:
    found = find(good_inputs())
    assert found.believe == "believe"
    assert found.reasons == ()
    assert found.tasks[0].support == "supported"
    assert not found.loud


def test_the_example_of_the_brief() -> None:
    problems = texts(full_inputs(), "problem")
    assert "On S7 age alone (1.000) does better than the model (0.675)." in problems
    assert "The interval of T6 (0.341 to 0.606) contains 0.5: chance is not excluded." in problems
    assert "No AUROC could be computed on T3: one class only." in problems
    found = find(full_inputs())
    assert found.believe == "do not believe"
    assert found.reasons == ("3 of 4 tasks are not supported: S7, T6 and T3.",)


def test_problems_come_first_and_the_audits_sentences_are_there() -> None:
    found = find(full_inputs())
    order = ["problem", "not checked", "note", "fine"]
    places = [order.index(one.verdict) for one in found.statements]
    assert places == sorted(places)
    said = {(one.source, one.text) for one in found.statements}
    for finding in full_inputs().audit.findings:  # type: ignore[union-attr]
        assert (finding.audit, finding.text) in said


def test_a_value_read_the_other_way_counts_only_if_its_interval_excludes_chance() -> None:
    turned = a_row(trivial={"sampling rate": a_score(0.1, 0.05, 0.2)})
    (rival,) = rivals(turned)
    assert (rival.name, rival.turned) == ("sampling rate", True)
    assert rival.value == pytest.approx(0.9)
    text = (
        "On S7 sampling rate alone, read the other way, (0.900) does better than the model (0.850)."
    )
    assert text in texts(good_inputs(rows=(turned,)), "problem")
    by_chance = a_row(score=a_score(0.55, 0.51, 0.6), trivial={"sex": a_score(0.3, 0.1, 0.6)})
    assert rivals(by_chance) == []


def test_an_equal_value_does_as_well() -> None:
    row = a_row(trivial={"age": a_score(0.85, 0.7, 0.95)})
    assert "On S7 age alone (0.850) does as well as the model (0.850)." in texts(
        good_inputs(rows=(row,)), "problem"
    )


def test_answers_that_point_the_wrong_way() -> None:
    inputs = good_inputs(rows=(a_row(score=a_score(0.2, 0.1, 0.4)),))
    assert any("point the wrong way" in text for text in texts(inputs, "problem"))
    assert find(inputs).believe == "do not believe"


@pytest.mark.parametrize(
    ("numbers", "verdict", "words"),
    [
        ((-0.1, -0.2, -0.01), "problem", "A baseline is better than the model on S7"),
        ((0.05, -0.02, 0.1), "note", "no better than the best baseline on S7"),
        ((0.1, 0.02, 0.2), "fine", "better than the best baseline on S7"),
    ],
)
def test_the_best_baseline_decides(
    numbers: tuple[float, float, float], verdict: str, words: str
) -> None:
    inputs = good_inputs(
        differences=(
            BaselineDifference("S7", "weak", a_difference(0.3, 0.2, 0.4)),
            BaselineDifference("S7", "strong", a_difference(*numbers)),
        )
    )
    (text,) = (one for one in texts(inputs, verdict) if words in one)
    assert "strong" in text
    assert "weak" not in text
    assert (find(inputs).believe == "believe") == (verdict == "fine")


def test_an_undefined_difference_is_not_checked() -> None:
    inputs = good_inputs(
        differences=(BaselineDifference("S7", "Audio", a_difference(None, None, None)),)
    )
    assert any("could not be compared: one class only" in t for t in texts(inputs, "not checked"))
    assert find(inputs).believe == "believe with limits"


@pytest.mark.parametrize(
    ("slope", "word", "verdict"),
    [
        (Estimate(0.6, 0.4, 0.9), " overconfident", "note"),
        (Estimate(1.6, 1.2, 2.0), " underconfident", "note"),
        (Estimate(1.0, 0.8, 1.2), "not clearly over- or underconfident", "fine"),
    ],
)
def test_the_calibration_slope_decides_on_confidence(
    slope: Estimate, word: str, verdict: str
) -> None:
    inputs = good_inputs(assessments=(an_assessment("S7", slope),))
    assert any(f"{word} on S7" in text for text in texts(inputs, verdict))
    assert (find(inputs).believe == "believe") == (verdict == "fine")


def test_missed_coverage_abstention_and_useless_decisions_are_said() -> None:
    assessment = an_assessment("S7", Estimate(1.0, 0.7, 1.3))
    nothing = Estimate(None, None, None)
    short = Conformal(
        *(0.9, Estimate(0.7, 0.6, 0.8), nothing, nothing, Estimate(0.6, 0.5, 0.7), nothing, "")
    )
    useless = DecisionCurve((0.2, 0.5), (0.1, -0.1), (0.2, -0.2))
    inputs = good_inputs(assessments=(replace(assessment, conformal=short, decision=useless),))
    assert any("in 70%, less than the promised 90%" in text for text in texts(inputs, "problem"))
    assert any("abstains for most people on S7 (60%)" in text for text in texts(inputs, "note"))
    assert any("at no threshold better" in text for text in texts(inputs, "note"))


def test_near_and_far_from_the_best_reachable() -> None:
    near = good_inputs(rows=(a_row(best_reachable=0.87), a_row("S1", best_reachable=0.88)))
    assert any("0.850 where 0.875 can be reached" in text for text in texts(near, "fine"))
    far = good_inputs(rows=(a_row(best_reachable=0.95),))
    assert any("0.100 below" in text for text in texts(far, "note"))


def test_the_papers_figure_is_compared_on_real_recordings_only() -> None:
    rows = (a_row(paper=0.99),)
    said = "The paper's 0.990 on S7 lies above our interval (0.710 to 0.930)."
    assert said in texts(good_inputs(rows=rows), "note")
    assert said not in texts(good_inputs(rows=rows, simulated=True), "note")


def test_a_leak_that_concerns_all_tasks_is_the_end() -> None:
    leak = an_audit((Finding("leaks", "", "problem", "A subject is in two parts."),))
    found = find(good_inputs(audit=leak))
    assert found.believe == "do not believe"
    assert found.reasons == ("The audit found a leak that concerns all tasks.",)


def test_a_problem_on_one_of_three_tasks_is_a_limit() -> None:
    rows = (a_row("S1"), a_row("S2"), a_row("S7"))
    audit = an_audit((Finding("shortcuts", "S7", "problem", "The device tells."),))
    found = find(good_inputs(rows=rows, audit=audit, differences=(), assessments=()))
    assert found.believe == "believe with limits"
    assert found.reasons == ("Not supported: S7.",)
    assert found.tasks[2].reasons == ("the audit found a problem: shortcuts",)


@pytest.mark.parametrize(
    "changes",
    [
        {"audit": None},
        {"protocol": "paper"},
        {"audit": an_audit((Finding("leaks", "", "not checked", "No audio there."),))},
        {"rows": (a_row(score=a_score(0.85, 0.71, 0.93, n_positive=9)),)},
    ],
)
def test_what_nobody_checked_is_a_limit(changes: dict) -> None:
    found = find(good_inputs(**changes))
    assert found.believe == "believe with limits"
    assert len(found.reasons) == 1


def test_nothing_scored_is_not_believed() -> None:
    assert find(good_inputs(rows=())).believe == "do not believe"


@given(
    st.lists(
        st.one_of(st.none(), st.tuples(*[st.floats(0, 1)] * 3).map(sorted)), min_size=1, max_size=6
    )
)
def test_never_believed_with_an_interval_at_chance(intervals: list) -> None:
    rows = tuple(
        a_row(f"X{i}", a_score(None) if one is None else a_score(one[1], one[0], one[2]))
        for i, one in enumerate(intervals)
    )
    found = find(good_inputs(rows=rows, differences=(), assessments=()))
    weak = [one for one in intervals if one is None or one[0] <= 0.5]
    assert sum(task.support == "not supported" for task in found.tasks) == len(weak)
    assert (found.believe == "believe") == (not weak)
    if 2 * len(weak) > len(intervals):
        assert found.believe == "do not believe"

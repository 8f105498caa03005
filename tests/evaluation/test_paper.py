from __future__ import annotations

import pytest

from respllm.errors import ConfigError
from respllm.evaluation import paper_auroc, paper_counts

TASKS = [f"S{n}" for n in range(1, 8)] + [f"T{n}" for n in range(1, 7)]


def test_every_task_has_a_figure_and_counts() -> None:
    assert all(paper_auroc(task) is not None for task in TASKS)
    assert all(paper_counts(task) is not None for task in TASKS)


def test_figures_are_the_printed_ones() -> None:
    assert paper_auroc("S7") == 1.0
    assert paper_auroc("T6") == 0.5865
    assert paper_auroc("T1", "Fusion-soft") == 0.619
    assert paper_auroc("T1", "OpenBioLLM-8B") == 0.6424
    assert paper_auroc("avg_T1_T5") == 0.6547
    assert paper_auroc("S1", "Fusion-soft (multi-label)", table=4) == 0.9065


def test_what_is_not_printed_is_none() -> None:
    assert paper_auroc("T6", "Fusion-soft") is None
    assert paper_auroc("S1", table=3) is None
    assert paper_auroc("my-task") is None
    assert paper_counts("my-task") is None


def test_counts_are_those_of_table_1() -> None:
    source, target = paper_counts("S7"), paper_counts("T5")
    assert source is not None
    assert target is not None
    assert (source.train, source.test) == (462, 366)
    assert (target.train, target.test) == (None, 38)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'RespLLM'"):
        paper_auroc("S1", "respllm")

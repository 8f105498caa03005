"""Tabular controls: they find what is there, live with missing values, and refuse too little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from respllm.errors import ConfigError, DataError
from respllm.evaluation.auroc import auroc
from respllm.models.tabular import (
    TabularKind,
    dms_rows,
    fit_tabular,
    flat_rows,
)
from respllm.types import Dms, Example
from tests.models.baselines.making import example

KINDS: tuple[TabularKind, ...] = ("logistic", "trees")
both_kinds = pytest.mark.parametrize("kind", KINDS)


def people(size: int, seed: int = 0) -> tuple[list[Example], list[Dms]]:
    """Older people with fever answer 1; a third states no symptoms, a fifth no age."""
    random = np.random.default_rng(seed)
    ages, fever = random.integers(20, 80, size), random.random(size) < 0.5
    score = (ages - 50) / 15 + 2 * fever - 1 + 0.3 * random.standard_normal(size)
    told = [
        Dms(
            age=None if random.random() < 0.2 else float(ages[i]),
            symptoms=None if random.random() < 0.33 else (("fever",) if fever[i] else ()),
        )
        for i in range(size)
    ]
    return [example("S3", i, int(score[i] > 0), told[i]) for i in range(size)], told


@dataclass(frozen=True, slots=True)
class Properties:
    rate: int | None
    seconds: float
    codec: str | None


@both_kinds
def test_it_learns_and_ranks_people_it_has_not_seen(kind: TabularKind) -> None:
    examples, told = people(300)
    fitted = fit_tabular(kind, examples, dms_rows(told))
    new, their = people(200, seed=1)
    logits = fitted.logits(dms_rows(their))
    assert logits.shape == (200,)
    assert np.isfinite(logits).all()
    assert auroc([int(e.label or 0) for e in new], logits.tolist()) > 0.85
    assert fitted.logits(dms_rows([])).shape == (0,)


@both_kinds
def test_the_seed_decides_everything_and_order_follows_the_rows(kind: TabularKind) -> None:
    examples, told = people(80)
    rows = dms_rows(told)
    first, again = (fit_tabular(kind, examples, rows, seed=1).logits(rows) for _ in range(2))
    assert np.array_equal(first, again)
    fitted = fit_tabular(kind, examples, rows, seed=1)
    assert np.allclose(fitted.logits(rows.iloc[::-1]), first[::-1])


@both_kinds
def test_numbers_words_and_missing_values_side_by_side(kind: TabularKind) -> None:
    examples = [example("S3", i, i % 2, Dms()) for i in range(60)]
    properties = [
        Properties(None if i % 5 == 0 else 16_000, 1.0 + i % 3, "opus" if i % 2 else None)
        for i in range(60)
    ]
    rows = flat_rows(properties, device=[None if i % 7 == 0 else f"d{i % 2}" for i in range(60)])
    assert list(rows) == ["rate", "seconds", "codec", "device"]
    fitted = fit_tabular(kind, examples, rows)
    labels = [int(e.label or 0) for e in examples]
    assert auroc(labels, fitted.logits(rows).tolist()) == 1
    unseen = flat_rows([Properties(8000, 2.0, "mp3")], device=["new"])
    assert np.isfinite(fitted.logits(unseen)).all()


@both_kinds
def test_weights_count(kind: TabularKind) -> None:
    examples = [example("S3", i, int(i % 4 == 0), Dms()) for i in range(200)]
    rows = pd.DataFrame({"x": np.random.default_rng(0).standard_normal(200)})
    balanced = fit_tabular(kind, examples, rows).logits(rows).mean()
    as_found = fit_tabular(kind, examples, rows, np.ones(200)).logits(rows).mean()
    assert abs(balanced) < 0.35
    assert as_found < -0.7


def test_the_penalty_is_chosen_between_people() -> None:
    """Copies of one person on both sides of a fold would make any penalty look unneeded."""
    random = np.random.default_rng(0)
    examples, values = [], []
    for person in range(24):
        own = random.standard_normal(40)
        for copy in range(8):
            one = example("S3", person, person % 2, Dms())
            examples.append(one)
            values.append(own + 0.01 * copy)
    rows = pd.DataFrame(np.array(values), columns=[f"x{i}" for i in range(40)])
    fitted = fit_tabular("logistic", examples, rows)
    assert fitted.strength is not None
    assert abs(fitted.logits(rows)).max() < 20


@both_kinds
def test_ten_recordings_are_fitted_and_too_few_people_refused(kind: TabularKind) -> None:
    examples, told = people(300)
    positive = [i for i, e in enumerate(examples) if e.label == 1]
    negative = [i for i, e in enumerate(examples) if e.label == 0]

    def fit(chosen: list[int]) -> None:
        rows = dms_rows([told[i] for i in chosen])
        fitted = fit_tabular(kind, [examples[i] for i in chosen], rows)
        assert np.isfinite(fitted.logits(rows)).all()

    fit(positive[:5] + negative[:5])
    fit(positive[:2] + negative[:2])
    for few in (positive[:10], positive[:9] + negative[:1], []):
        with pytest.raises(DataError, match="at least 2 people of each answer"):
            fit(few)


@both_kinds
def test_bad_rows_are_refused(kind: TabularKind) -> None:
    examples, told = people(40)
    rows = dms_rows(told)
    with pytest.raises(DataError, match="39 rows for 40 examples"):
        fit_tabular(kind, examples, rows.iloc[1:])
    with pytest.raises(DataError, match="No value is stated"):
        fit_tabular(kind, examples, rows[["sex"]])
    with pytest.raises(DataError, match="Columns are missing: age"):
        fit_tabular(kind, examples, rows).logits(rows.drop(columns="age"))
    with pytest.raises(DataError, match="of None"):
        fit_tabular(kind, [*examples[:-1], example("S3", 99, None, Dms())], rows)
    with pytest.raises(ConfigError, match="Unknown tabular control"):
        fit_tabular("forest", examples, rows)  # type: ignore[arg-type]


def test_dms_rows_keep_missing_apart_from_none() -> None:
    rows = dms_rows([Dms(), Dms("Male", "45-64", (), ("fever", "gout"), "left lateral chest")])
    assert rows.iloc[0].isna().all()
    second = rows.iloc[1].dropna()
    assert second["age"] == 55
    assert second["sex"] == 1
    assert second["symptom count"] == 2
    assert second["history: asthma"] == 0
    flags = [name for name in second.index if ":" in str(name) and second[name]]
    assert flags == ["location: lateral", "location: left", "symptom: fever", "symptom: other"]


@both_kinds
def test_a_category_may_be_missing_in_every_row_that_is_asked_about(kind: TabularKind) -> None:
    examples, _ = people(60)
    codecs = [("opus", "pcm")[int(e.label or 0)] for e in examples]
    fitted = fit_tabular(kind, examples, flat_rows([Properties(8, 1.0, c) for c in codecs]))
    new = [Properties(8, 1.0, None) for _ in range(3)]
    logits = fitted.logits(flat_rows(new))
    assert np.isfinite(logits).all()
    assert len(set(logits.tolist())) == 1

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.evaluation.auroc import auroc
from respllm.pretraining.probing.nested import (
    FEWEST,
    Answer,
    cross_validated,
    few_people,
    transferred,
)


def people_and_labels(count: int, clips: int) -> tuple[np.ndarray, np.ndarray]:
    people = np.repeat([f"p{n:03}" for n in range(count)], clips)
    return people, np.repeat(np.arange(count) % 2, clips)


def test_what_is_there_is_found() -> None:
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(40, 2)
    rows = rng.normal(size=(80, 30))
    rows[:, 5] += 3 * labels
    rows[:, 6] *= 1000  # scales do not matter
    scores = cross_validated(rows, labels, people, np.ones(80), 0)
    assert auroc(labels, scores) > 0.8


def test_who_somebody_is_tells_nothing() -> None:
    # Every clip of a person is nearly alike: remembering people would give an AUROC near 1.
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(60, 8)
    own = np.repeat(rng.normal(size=(60, 40)), 8, axis=0)
    rows = own + 0.01 * rng.normal(size=own.shape)
    scores = cross_validated(rows, labels, people, np.ones(len(rows)), 0)
    assert 0.2 < auroc(labels, scores) < 0.8


def test_an_answer_does_not_depend_on_who_else_is_asked() -> None:
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(20, 2)
    rows, asked = rng.normal(size=(40, 10)), rng.normal(size=(5, 10))
    both = transferred(rows, labels, people, np.ones(40), asked, 0)
    one = transferred(rows, labels, people, np.ones(40), asked[:1], 0)
    assert both[0] == pytest.approx(one[0])


def test_labels_of_the_answered_change_nothing() -> None:
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(30, 1)
    rows = rng.normal(size=(30, 10))
    first = cross_validated(rows, labels, people, np.ones(30), 0)
    again = cross_validated(rows, labels, people, np.ones(30), 0)
    assert np.array_equal(first, again)


def test_folds_are_ranked_on_one_scale() -> None:
    # Few people, unevenly answered: how many of each class the other folds have must not count.
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        people = np.repeat([f"p{n:03}" for n in range(24)], 3)
        labels = np.repeat((np.arange(24) < 8).astype(int), 3)
        rows = rng.normal(size=(72, 20))
        rows[:, 0] += 2 * labels
        found.append(auroc(labels, cross_validated(rows, labels, people, np.ones(72), seed)))
    assert np.mean(found) > 0.8


def test_scores_do_not_depend_on_the_shares_of_classes_in_training() -> None:
    rng = np.random.default_rng(1)
    people, labels = people_and_labels(30, 1)
    rows, asked = rng.normal(size=(30, 4)), rng.normal(size=(6, 4))
    rows[:, 0] += 2 * labels
    plain = transferred(rows, labels, people, np.ones(30), asked, 0)
    heavy = transferred(rows, labels, people, np.where(labels, 9.0, 1.0), asked, 0)
    assert heavy == pytest.approx(plain)


def noting(seen: list[tuple[set, set]]) -> Answer:
    """Learns nothing, and notes whom each fold learns from and whom it asks (column 0: who)."""

    def answer(rows: np.ndarray, *rest: object) -> np.ndarray:
        asked = rest[-2]
        assert isinstance(asked, np.ndarray)
        seen.append((set(rows[:, 0].tolist()), set(asked[:, 0].tolist())))
        return np.zeros(len(asked))

    return answer


def test_whatever_is_compared_shares_its_folds() -> None:
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(30, 2)
    who = np.repeat(np.arange(30), 2)[:, None]
    seen: list[list[tuple[set, set]]] = [[], []]
    for found, width in zip(seen, (4, 50), strict=True):
        rows = np.hstack([who, rng.normal(size=(60, width))])
        cross_validated(rows, labels, people, np.ones(60), 3, noting(found))
    assert seen[0] == seen[1]
    assert len(seen[0]) == 5
    assert set().union(*(asked for _, asked in seen[0])) == set(range(30))
    assert not any(known & asked for known, asked in seen[0])


def test_fewer_people_are_learned_from_and_the_same_asked() -> None:
    people, labels = people_and_labels(40, 3)
    rows = np.repeat(np.arange(40), 3)[:, None].astype(float)
    seen: dict[int | None, list[tuple[set, set]]] = {None: [], 8: [], 16: []}
    for limit, found in seen.items():
        cross_validated(rows, labels, people, np.ones(120), 1, noting(found), limit)
    for all_, eight, sixteen in zip(seen[None], seen[8], seen[16], strict=True):
        assert all_[1] == eight[1] == sixteen[1]
        assert (len(eight[0]), len(sixteen[0])) == (8, 16)
        assert eight[0] < sixteen[0] < all_[0]
        assert sum(person % 2 for person in eight[0]) == 4  # labels alternate


@given(
    st.lists(st.sampled_from(["0", "1", "01"]), min_size=9, max_size=60),
    st.integers(0, 5),
)
def test_few_people_are_like_all(kinds: list[str], seed: int) -> None:
    rows = [(f"p{n:02}", int(label)) for n, kind in enumerate(kinds) for label in kind]
    people, labels = np.array([p for p, _ in rows]), np.array([label for _, label in rows])
    before: set[str] = set()
    for limit in (FEWEST, 16, 32, 100):
        kept = set(few_people(labels, people, limit, seed).tolist())
        assert len(kept) == min(limit, len(kinds))
        assert before <= kept
        before = kept
        chosen = [kinds[int(person[1:])] for person in kept]
        assert {label for kind in chosen for label in kind} == {str(v) for v in set(labels)}
        for kind in ("0", "1", "01"):
            share = kinds.count(kind) / len(kinds)
            assert abs(chosen.count(kind) - share * len(kept)) <= 2


def test_other_seeds_choose_other_people() -> None:
    people, labels = people_and_labels(40, 1)
    chosen = {tuple(sorted(few_people(labels, people, 8, seed))) for seed in range(4)}
    assert len(chosen) == 4


def test_a_few_people_of_one_clip_can_be_learned_from(recwarn: pytest.WarningsRecorder) -> None:
    rng = np.random.default_rng(0)
    people = np.array([f"p{n:03}" for n in range(60)])
    labels = (np.arange(60) < 6).astype(int)
    rows = rng.normal(size=(60, 10))
    rows[:, 0] += 4 * labels
    scores = cross_validated(rows, labels, people, np.ones(60), 0, limit=FEWEST)
    assert np.isfinite(scores).all()
    assert not recwarn.list

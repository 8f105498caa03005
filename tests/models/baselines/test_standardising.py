"""Standardising: unit scale, nothing from constant dimensions, nothing blown up."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from respllm.models.baselines import Standardise


def test_it_equals_scikit_learns_scaler_where_all_dimensions_vary() -> None:
    values = np.random.default_rng(0).normal(3, [0.5, 1, 2], (200, 3)).astype(np.float32)
    found = Standardise.over(values)(torch.from_numpy(values)).numpy()
    assert np.allclose(found, StandardScaler().fit_transform(values), atol=1e-5)


def test_tokens_are_measured_over_clips_and_positions() -> None:
    tokens = np.random.default_rng(0).normal(3, 2, (20, 64, 5))
    found = Standardise.over(tokens)(torch.from_numpy(tokens.astype(np.float32)))
    assert found.shape == (20, 64, 5)
    assert torch.allclose(found.mean((0, 1)), torch.zeros(5), atol=1e-5)


def test_a_constant_dimension_is_zero_everywhere_and_a_quiet_one_is_not_blown_up() -> None:
    random = np.random.default_rng(0)
    values = np.stack([np.ones(50), 1e-5 * random.standard_normal(50)], axis=1)
    values = np.hstack([values, random.standard_normal((50, 1))]).astype(np.float32)
    standardise = Standardise.over(values)
    elsewhere = standardise(torch.tensor([[99.0, 1.0, 0.0]]))[0]
    assert elsewhere[0] == 0
    assert 0 < elsewhere[1] < 20


def test_flags_keep_their_scale() -> None:
    flags = np.zeros((1000, 2), np.float32)
    flags[0, 0] = 1
    found = Standardise.flags(flags)(torch.ones(1, 2))[0]
    assert found.tolist() == [torch.tensor(0.999).item(), 0]


def test_all_constant_gives_zeros() -> None:
    standardise = Standardise.over(np.ones((3, 4), np.float32))
    assert torch.equal(standardise(torch.randn(2, 4)), torch.zeros(2, 4))


def test_nothing_of_it_is_trained() -> None:
    standardise = Standardise.over(np.eye(3))
    assert list(standardise.parameters()) == []
    assert set(standardise.state_dict()) == {"mean", "scale"}
    assert standardise.width == 3

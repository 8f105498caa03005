from __future__ import annotations

import numpy as np
import pytest

from respllm.audio.describing import KINDS, described

PATCH = (16, 16)
QUIET = np.random.default_rng(0).normal(0.3, 0.02, (256, 64)).astype(np.float32)


def kinds(mel: np.ndarray) -> np.ndarray:
    """(16 steps, 4 bands of patches, 16 bands, kinds)."""
    return described(mel, PATCH).reshape(16, 4, 16, KINDS)


def test_level_and_spread_are_those_of_a_patch() -> None:
    found = kinds(QUIET)
    cut = QUIET[32:48, 16:32]
    assert np.allclose(found[2, 1, :, 0], cut.mean(axis=0), atol=1e-6)
    assert np.allclose(found[2, 1, :, 1], cut.std(axis=0), atol=1e-6)


def test_a_burst_is_told_where_it_is() -> None:
    mel = QUIET.copy()
    mel[100:102] += 0.5  # 64 ms, in all bands
    bursts = kinds(mel)[..., 2].mean(axis=(1, 2))
    assert bursts.argmax() == 100 // 16
    assert bursts.max() > 0.4
    assert np.delete(bursts, 6).max() < 0.2


def test_a_tone_is_told_where_it_is_and_is_no_burst() -> None:
    mel = QUIET.copy()
    mel[80:112, 20] += 0.5  # a second, in one band
    tones, bursts = kinds(mel)[..., 3], kinds(mel)[..., 2]
    step, band, inner = np.unravel_index(tones.argmax(), tones.shape)
    assert (step, band, inner) in {(5, 1, 4), (6, 1, 4)}
    assert tones.max() > 0.3
    assert bursts[5:7, 1, 4].max() < 0.2


@pytest.mark.parametrize("patch", [(16, 16), (32, 8)])
def test_shapes(patch: tuple[int, int]) -> None:
    frames, bands = patch
    assert described(QUIET, patch).shape == (256 // frames, 64 // bands, KINDS * bands)

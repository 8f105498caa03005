"""Feature sets: rows in order, nothing where nothing is read, log-mels unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.audio import load_audio, log_mel
from respllm.batching import FeatureSet, hear, log_mel_rows, pooled_tokens
from respllm.encoders import load_encoder
from respllm.errors import DataError
from tests.audio.sounds import noise, write
from tests.batching.making import an_example

EXAMPLES = [an_example(label=label) for label in (1, 0, None)]


def test_a_batch_holds_its_examples_in_order() -> None:
    audio = np.arange(6, dtype=np.float64).reshape(3, 2)
    dms = np.arange(3, dtype=np.float64)[:, None]
    features = FeatureSet(
        EXAMPLES, audio.__getitem__, dms, np.array([5, 6, 7]), np.array([1.0, 2, 3])
    )
    batch = features.batch([2, 0])
    assert len(features) == 3
    assert len(batch) == 2
    assert batch.audio.tolist() == [[4, 5], [0, 1]]
    assert batch.dms.tolist() == [[2], [0]]
    assert batch.condition.tolist() == [7, 5]
    assert batch.labels.tolist() == [-1, 1]
    assert batch.weights.tolist() == [3, 1]
    assert batch.audio.dtype == batch.dms.dtype == batch.weights.dtype == torch.float32
    assert batch.labels.dtype == batch.condition.dtype == torch.int64
    assert batch.to("cpu").audio.equal(batch.audio)


def test_what_is_not_read_has_no_width() -> None:
    batch = FeatureSet(EXAMPLES).batch([0, 1])
    assert batch.audio.shape == batch.dms.shape == (2, 0)
    assert batch.condition.tolist() == [0, 0]
    assert batch.weights.tolist() == [1, 1]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / f"{i}.wav", noise(1 + i, seed=i)) for i in range(3)]


def test_pooled_is_the_mean_token_and_log_mels_are_the_front_ends(paths: list[Path]) -> None:
    heard = hear([an_example(path=path) for path in paths], load_encoder("mel-patch"))
    assert np.allclose(pooled_tokens(heard), heard.tokens([0, 1, 2]).mean(1))
    mels = log_mel_rows(heard)([2, 0])
    expected = np.stack([log_mel(load_audio(paths[i])) for i in (2, 0)])
    assert mels.shape == (2, 256, 64)
    assert np.array_equal(mels, expected)


def test_pooling_nothing_is_nothing() -> None:
    assert pooled_tokens(hear([], load_encoder("mel-patch"))).shape[0] == 0


def test_a_recording_that_is_gone_is_named(paths: list[Path]) -> None:
    heard = hear([an_example(path=path) for path in paths], load_encoder("mel-patch"))
    paths[1].unlink()
    with pytest.raises(DataError, match="1 recordings cannot be heard any more"):
        log_mel_rows(heard)

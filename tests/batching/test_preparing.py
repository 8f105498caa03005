"""`hear`: usable examples keep their order and tokens, the others are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.audio import load_audio, log_mel
from respllm.batching import hear
from respllm.encoders import AudioEncoder, load_encoder
from respllm.errors import AudioError
from respllm.types import Example
from tests.audio.sounds import noise, write
from tests.batching.making import an_example


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    """Good, silent, good, undecodable, missing; the first and the silent one asked twice."""
    good, other = (write(tmp_path / f"{i}.wav", noise(1, seed=i)) for i in range(2))
    silent = write(tmp_path / "silent.wav", np.zeros(16_000, np.float32))
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    paths = [good, silent, other, text, tmp_path / "gone.wav"]
    asked = [an_example("A", path=path) for path in paths]
    return [*asked, an_example("B", path=good), an_example("B", path=silent)]


@pytest.fixture
def encoder() -> AudioEncoder:
    return load_encoder("mel-patch")


def test_bad_recordings_are_skipped_and_each_named_once(
    examples: list[Example], encoder: AudioEncoder
) -> None:
    calls = []
    heard = hear(examples, encoder, progress=lambda done, total: calls.append((done, total)))
    assert heard.examples == (examples[0], examples[2], examples[5])
    assert [(one.path.stem, one.reason) for one in heard.skipped] == [
        ("silent", "The recording is silent: RMS 0.0e+00 of full scale"),
        ("text", "The recording cannot be decoded"),
        ("gone", "The recording cannot be opened: No such file or directory"),
    ]
    assert calls[-1] == (7, 7)


def test_tokens_belong_to_the_examples_that_are_left(
    examples: list[Example], encoder: AudioEncoder
) -> None:
    heard = hear(examples, encoder)
    mels = [log_mel(load_audio(example.clip.record.audio_path)) for example in heard.examples]
    expected = encoder.tokens(torch.from_numpy(np.stack(mels))).numpy()
    tokens = heard.tokens([2, 1])
    assert tokens.shape == (2, 64, encoder.width)
    assert tokens.dtype == np.float32
    assert np.array_equal(tokens, expected[[2, 1]])
    second = heard.where(lambda example: example.clip.record.audio_path.stem == "1")
    assert second.examples == (examples[2],)
    assert np.array_equal(second.tokens([0]), expected[[1]])
    assert second.skipped == heard.skipped
    assert heard.where(lambda example: False).examples == ()


def test_strict_stops_at_a_bad_recording(examples: list[Example], encoder: AudioEncoder) -> None:
    with pytest.raises(AudioError, match=r"text\.wav|silent\.wav|gone\.wav"):
        hear(examples, encoder, strict=True)
    assert len(hear(examples[::5], encoder, strict=True).examples) == 2


def test_nothing_to_hear(encoder: AudioEncoder) -> None:
    heard = hear([], encoder)
    assert (heard.examples, heard.skipped) == ((), ())

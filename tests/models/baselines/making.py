"""Examples whose answers stand in the sound or in the text, and encoders small enough to train."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from transformers import ClapAudioConfig, ClapAudioModel

from respllm.batching import Heard
from respllm.encoders import AudioEncoder
from respllm.encoders.opera_ct import OperaCT
from respllm.prompts import dms_text
from respllm.types import Clip, Dms, Example, Record

WIDTH = 6
CONDITIONS = {
    "S3": "COVID-19",
    "S5": "smoking",
    "S7": "COPD",
    "T1": "COVID-19",
    "T6": "asthma",
}


class Tokens:
    """Stands for `EncodedClips`."""

    def __init__(self, tokens: np.ndarray) -> None:
        self._tokens = tokens

    def tokens(self, indices: Sequence[int]) -> np.ndarray:
        return self._tokens[np.asarray(indices, int)]


class Frozen(AudioEncoder):
    """An encoder without weights; its tokens come from `heard`."""

    name, identity, width = "frozen", "frozen", WIDTH

    def _encode(self, mel: Tensor) -> Tensor:
        raise NotImplementedError


class TinyHtsat(OperaCT):
    """HTS-AT with four blocks and 64 wide tokens."""

    width = 64

    def __init__(self, seed: int = 0) -> None:
        super(OperaCT, self).__init__()
        config = ClapAudioConfig(
            patch_embeds_hidden_size=8,
            hidden_size=64,
            depths=[1, 1, 1, 1],
            num_attention_heads=[1, 2, 4, 8],
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = ClapAudioModel(config)
        self.identity = f"tiny-htsat-{seed}"
        self.freeze()


def example(
    task: str, number: int, label: int | None, dms: Dms, path: Path | None = None, person: str = "p"
) -> Example:
    record = Record(
        f"d/{task}-r{number}",
        f"d/{person}{number}",
        "d",
        "breath",
        path or Path(f"{number}.wav"),
        dms,
    )
    return Example(task, Clip(record), f"{task}?", dms_text(dms), label)


def heard(examples: Sequence[Example], tokens: np.ndarray) -> Heard:
    encoded = cast(Any, Tokens(tokens.astype(np.float32)))
    return Heard(tuple(examples), (), encoded, np.arange(len(examples)))


def cohort(
    size: int, *, by_audio: float, by_text: float, task: str = "S3", seed: int = 0, shift: float = 5
) -> Heard:
    """People with a sign in the sound, a symptom, and an answer that adds them up.

    The answer is 1 where by_audio * sound + by_text * symptom + noise is positive; both signs are
    +1 or -1, so that neither tells of the other.
    """
    random = np.random.default_rng(seed)
    sound, symptom = random.choice([-1, 1], size=(2, size))
    score = by_audio * sound + by_text * symptom + 0.3 * random.standard_normal(size)
    tokens = shift + 0.5 * random.standard_normal((size, 64, WIDTH))
    tokens[:, :, 2] += 0.2 * sound[:, None]
    people = [Dms("Female", 40, (), ("fever",) if s > 0 else ("chills",)) for s in symptom]
    labels = (score > 0).astype(int)
    return heard(
        [example(task, i, int(labels[i]), people[i], person=f"{seed}-") for i in range(size)],
        tokens,
    )


def joined(*parts: Heard) -> Heard:
    examples = [one for part in parts for one in part.examples]
    tokens = np.concatenate([part.tokens(range(len(part.examples))) for part in parts])
    return heard(examples, tokens)

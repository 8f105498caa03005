"""Batches of views: which recordings a step hears, and how each is changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from respllm.audio.describing import described
from respllm.encoders.architectures import Architecture
from respllm.encoders.base import N_TOKENS
from respllm.pretraining.audio.augmenting import View, hide_stripes, make_view
from respllm.pretraining.audio.settings import AudioPretraining
from respllm.pretraining.audio.spectrograms import Heard, Spectrograms


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """Two views of each of B recordings; the first B of 2 B rows are the first views.

    Attributes:
        mel: (2 B, 256, 64) what the network is shown.
        whole: (B, 256, 64) the first views before patches were hidden.
        hidden: bool (B, 64) the first views' hidden patches, in the order of tokens.
        told: (2 B, 64, 4 x bands of a patch) what `described` says of the views before room and
            device changed them, in the order of tokens; (2 B, 64, 0) if nobody asks.
        same: bool (B, B) pairs of recordings of one person: no negatives for one another.
    """

    mel: Tensor
    whole: Tensor
    hidden: Tensor
    told: Tensor
    same: Tensor

    def to(self, device: torch.device) -> ViewBatch:
        """The same on a device."""
        return ViewBatch(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


class Views:
    """The views of a group of people's recordings; everything follows from the numbers of a step.

    A batch is of one source, so that recordings differ by person and sound and not by dataset; a
    source's share of the steps grows with the root of its people. People come before recordings:
    whoever was recorded often is not heard more often.

    Args:
        spectrograms: of all recordings.
        people: source -> whose recordings may be drawn.
        settings: of the pretraining.
        architecture: divides the log-mel into patches.
    """

    def __init__(
        self,
        spectrograms: Spectrograms,
        people: dict[str, frozenset[str]],
        settings: AudioPretraining,
        architecture: Architecture,
    ) -> None:
        self._spectrograms = spectrograms
        self._settings = settings
        self._architecture = architecture
        self._recordings: dict[str, dict[str, list[Heard]]] = defaultdict(lambda: defaultdict(list))
        for heard in spectrograms.heard:
            if heard.subject in people[heard.source]:
                self._recordings[heard.source][heard.subject].append(heard)
        self._sources = sorted(self._recordings)
        shares = np.sqrt([len(self._recordings[source]) for source in self._sources])
        self._shares = shares / shares.sum()

    @property
    def people(self) -> int:
        """How many people's recordings are drawn from."""
        return sum(len(some) for some in self._recordings.values())

    def batch(self, *numbers: int) -> ViewBatch:
        """The batch that belongs to some numbers: the seed and the step."""
        rng = np.random.default_rng(numbers)
        drawn = int(rng.choice(len(self._sources), p=self._shares))
        source = self._recordings[self._sources[drawn]]
        names = sorted(source)
        size = self._settings.batch_size
        order = [i for _ in range(-(-size // len(names))) for i in rng.permutation(len(names))]
        chosen = [names[i] for i in order[:size]]
        first: list[View] = []
        second: list[View] = []
        for name in chosen:
            some = source[name]
            levels = self._spectrograms.levels(some[int(rng.integers(len(some)))])
            for views in (first, second):
                views.append(make_view(levels, self._settings.augmentation, rng))
        whole = np.stack([view.mel for view in first])
        shown = [hide_stripes(view.mel, rng) for view in second]
        hidden = rng.random((size, 64)) < self._settings.augmentation.masked
        return ViewBatch(
            mel=torch.from_numpy(
                np.concatenate([_hide(whole, hidden, self._architecture), np.stack(shown)])
            ),
            whole=torch.from_numpy(whole),
            hidden=torch.from_numpy(hidden),
            told=self._told([*first, *second]),
            same=torch.tensor([[one == other for other in chosen] for one in chosen]),
        )

    def _told(self, views: Sequence[View]) -> Tensor:
        if not self._settings.objectives.description:
            return torch.empty(len(views), N_TOKENS, 0)
        patch = self._architecture.patch
        found = np.stack([described(view.clean, patch) for view in views])
        return self._architecture.in_token_order(torch.from_numpy(found))


def patches(mel: Tensor, architecture: Architecture) -> Tensor:
    """(B, 256, 64) to (B, 64, frames x bands of a patch), in the order of the encoder's tokens."""
    frames, bands = architecture.patch
    cut = mel.unfold(1, frames, frames).unfold(2, bands, bands).flatten(3)
    return architecture.in_token_order(cut)


def _hide(mel: np.ndarray, hidden: np.ndarray, architecture: Architecture) -> np.ndarray:
    """Replace hidden patches by the view's mean."""
    frames, bands = architecture.patch
    shape = (len(mel), architecture.chunks, architecture.bands, 8)
    in_time = hidden.reshape(shape).transpose(0, 1, 3, 2)
    grid = in_time.reshape(len(mel), architecture.steps, architecture.bands)
    cells = grid.repeat(frames, axis=1).repeat(bands, axis=2)
    return np.where(cells, mel.mean(axis=(1, 2), keepdims=True), mel)

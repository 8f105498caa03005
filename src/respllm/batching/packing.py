"""Several examples as one row without padding, in which what texts share stands once.

A causal model's states at a token depend on what stands before it, and on nothing else. So texts
that begin alike - the prompts of one data set, the same person's recordings - can share those
tokens' states, exactly. The row holds the texts' tokens first, shared beginnings once, then 64
audio positions per example. Attention is computed for stretches of the row: each stretch reads the
tokens on its own path, and itself up to the token that asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

SPARE_PAIRS = 1 << 14
"""Padded pairs of query and key that are cheaper than one more group."""
SPARE_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class AttentionGroup:
    """Stretches of the row that are attended together, padded to one shape.

    Shapes: S stretches, Lq queries, Lk keys.

    Attributes:
        queries: (S, Lq) int64 rows of the row; padding repeats any.
        keys: (S, Lk) int64 rows of [kept rows; row]; padding repeats any.
        hidden: (S, Lq, Lk) bool, True where a query must not read a key.
    """

    queries: Tensor
    keys: Tensor
    hidden: Tensor

    def to(self, device: torch.device | str) -> AttentionGroup:
        """The same group on another device."""
        return AttentionGroup(*(getattr(self, f.name).to(device) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Packing:
    """How B examples lie in one row of N = T + 64 B positions.

    Attributes:
        text_ids: (T,) int64 token ids of the text rows.
        positions: (N,) int64 place of each row in its own sequence.
        texts: groups of text stretches.
        audio: the group of all audio stretches, (B, 64) queries, in the examples' order; None
            for texts alone.
        order: (N,) int64 where each row's output stands in the outputs of the groups, laid end to
            end.
        longest: length of the longest sequence.
    """

    text_ids: Tensor
    positions: Tensor
    texts: tuple[AttentionGroup, ...]
    audio: AttentionGroup | None
    order: Tensor
    longest: int

    def to(self, device: torch.device | str) -> Packing:
        """The same packing on another device."""
        return replace(
            self,
            text_ids=self.text_ids.to(device),
            positions=self.positions.to(device),
            texts=tuple(group.to(device) for group in self.texts),
            audio=None if self.audio is None else self.audio.to(device),
            order=self.order.to(device),
        )


@dataclass(frozen=True, slots=True)
class _Stretch:
    """New tokens of a text, which end a path of rows."""

    path: np.ndarray
    own: int


def pack(
    texts: Sequence[Sequence[int]],
    audio_positions: int,
    kept: Sequence[range] | None = None,
    kept_rows: int = 0,
) -> Packing:
    """Lay examples out in one row.

    Args:
        texts: token ids of each example's text that are still to be computed; may be empty if
            something is kept.
        audio_positions: 64, or 0 for texts alone.
        kept: for each example the rows of its beginning that were computed before; None: none.
        kept_rows: how many rows are kept in all; the row's own keys are numbered from there.
    """
    before = [range(0)] * len(texts) if kept is None else kept
    keys = [
        (start.start, start.stop, tuple(text)) for start, text in zip(before, texts, strict=True)
    ]
    ids: list[int] = []
    places: list[np.ndarray] = []
    stretches: list[_Stretch] = []
    paths: dict[tuple, np.ndarray] = {}
    earlier = None
    path = np.zeros(0, np.int64)
    for key in sorted(set(keys)):
        start, stop, text = key
        shared = stop - start
        if earlier is not None and earlier[:2] == key[:2]:
            shared += _alike(earlier[2], text)
            path = path[:shared]
        else:
            path = np.arange(start, stop)
        new = text[shared - (stop - start) :]
        path = np.concatenate([path, np.arange(len(new)) + kept_rows + len(ids)])
        ids += new
        places.append(np.arange(shared, len(path)))
        if new:
            stretches.append(_Stretch(path, len(new)))
        paths[key] = path
        earlier = key
    own_paths = [paths[key] for key in keys]
    members = _alike_sizes(stretches)
    groups = [_text_group(group, kept_rows) for group in members]
    # The groups' padded outputs stand end to end; note where each text row went.
    order = np.zeros(len(ids) + audio_positions * len(texts), np.int64)
    at = 0
    for together, group in zip(members, groups, strict=True):
        width = group.queries.shape[1]
        for row, stretch in enumerate(together):
            rows = stretch.path[-stretch.own :] - kept_rows
            order[rows] = at + row * width + np.arange(stretch.own)
        at += group.queries.numel()
    order[len(ids) :] = at + np.arange(len(order) - len(ids))
    lengths = np.array([len(path) for path in own_paths])
    places.append((lengths[:, None] + np.arange(audio_positions)).ravel())
    return Packing(
        text_ids=torch.tensor(ids, dtype=torch.int64),
        positions=torch.from_numpy(np.concatenate(places)),
        texts=tuple(groups),
        audio=_audio_group(own_paths, audio_positions, kept_rows, len(ids)),
        order=torch.from_numpy(order),
        longest=int(lengths.max()) + audio_positions,
    )


def _alike(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    """How many tokens two texts begin with alike."""
    length = min(len(first), len(second))
    if first[:length] == second[:length]:
        return length
    differ = np.asarray(first[:length]) != np.asarray(second[:length])
    return int(differ.argmax())


def _alike_sizes(stretches: Sequence[_Stretch]) -> list[list[_Stretch]]:
    """Divide stretches into groups of similar sizes: little padding, few groups."""
    groups: list[list[_Stretch]] = []
    useful = longest = widest = 0
    for stretch in sorted(stretches, key=lambda s: (s.own, len(s.path))):
        size = stretch.own * len(stretch.path)
        long, wide = max(longest, stretch.own), max(widest, len(stretch.path))
        padded = (len(groups[-1]) + 1) * long * wide if groups else 0
        if groups and padded <= (1 + SPARE_SHARE) * (useful + size) + SPARE_PAIRS:
            groups[-1].append(stretch)
            useful, longest, widest = useful + size, long, wide
        else:
            groups.append([stretch])
            useful, longest, widest = size, stretch.own, len(stretch.path)
    return groups


def _text_group(stretches: Sequence[_Stretch], kept_rows: int) -> AttentionGroup:
    own = np.array([stretch.own for stretch in stretches])
    paths = [stretch.path for stretch in stretches]
    keys = _padded(paths, max(map(len, paths)))
    queries = _padded([stretch.path[-stretch.own :] for stretch in stretches], own.max())
    before = np.array([len(path) for path in paths]) - own
    last = before[:, None] + np.arange(queries.shape[1])
    hidden = np.arange(keys.shape[1]) > last[:, :, None]
    return _group(queries - kept_rows, keys, hidden)


def _audio_group(
    paths: Sequence[np.ndarray], positions: int, kept_rows: int, text_rows: int
) -> AttentionGroup | None:
    if not positions:
        return None
    lengths = np.array([len(path) for path in paths])
    text = _padded(paths, lengths.max())
    own = text_rows + np.arange(len(paths) * positions).reshape(len(paths), positions)
    beyond = np.arange(text.shape[1]) >= lengths[:, None]
    later = np.triu(np.ones((positions, positions), bool), 1)
    hidden = np.concatenate(
        [
            np.broadcast_to(beyond[:, None], (len(paths), positions, text.shape[1])),
            np.broadcast_to(later, (len(paths), positions, positions)),
        ],
        axis=2,
    )
    return _group(own, np.concatenate([text, own + kept_rows], axis=1), hidden)


def _padded(rows: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Rows of one length; the padding repeats each row."""
    # All of a row over and over: one row repeated often would be the slowest sum of a GPU.
    return np.stack([np.resize(row, length) for row in rows])


def _group(queries: np.ndarray, keys: np.ndarray, hidden: np.ndarray) -> AttentionGroup:
    return AttentionGroup(
        torch.from_numpy(queries), torch.from_numpy(keys), torch.from_numpy(hidden)
    )

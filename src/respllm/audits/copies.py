"""Recordings that sound the same although their files differ."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from respllm.audio import check_usable, load_audio
from respllm.audio.fingerprints import fingerprint, nearest, waveform_match
from respllm.errors import AudioError
from respllm.types import Record

ALIKE, SAME = 0.6, 0.6
"""Smallest resemblance of fingerprints and correlation of waveforms that are, together, called
the same sound; see docs/audits.md."""
CANDIDATES = 3
"""Most similar fingerprints whose waveforms are compared."""


class HasRecord(Protocol):
    """Something that has a recording."""

    @property
    def record(self) -> Record:
        """The recording."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Two recordings that sound the same: record ids, and the correlation of their waveforms."""

    first: str
    second: str
    match: float


def nearly_identical(
    known: Sequence[HasRecord], tested: Sequence[HasRecord], *, hashes: Mapping[Path, str]
) -> list[Copy]:
    """For each tested recording the most similar known one, if it is the same sound.

    Byte-identical files are another matter and make no pair here. Recordings that cannot be used
    are passed over.

    Args:
        known, tested: any order; one path may occur in several.
        hashes: of the files that can be read.
    """
    first, second = _fingerprints(known, hashes), _fingerprints(tested, hashes)
    if not first or not second:
        return []
    names, wanted = list(first), list(second)
    found = nearest(
        np.stack([second[name][1] for name in wanted]),
        np.stack([first[name][1] for name in names]),
        CANDIDATES,
    )
    pairs = [
        (names[row], name)
        for name, rows in zip(wanted, found, strict=True)
        for row, likeness in rows
        if likeness >= ALIKE and hashes[first[names[row]][0]] != hashes[second[name][0]]
    ]
    copies: dict[str, Copy] = {}
    for one, other in pairs:
        match = waveform_match(load_audio(first[one][0]), load_audio(second[other][0]))
        if match >= SAME and (other not in copies or match > copies[other].match):
            copies[other] = Copy(one, other, match)
    return list(copies.values())


def _fingerprints(
    some: Sequence[HasRecord], hashes: Mapping[Path, str]
) -> dict[str, tuple[Path, np.ndarray]]:
    records = [one.record for one in some if one.record.audio_path in hashes]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = pool.map(_fingerprint, [record.audio_path for record in records])
        return {
            record.record_id: (record.audio_path, print_)
            for record, print_ in zip(records, found, strict=True)
            if print_ is not None
        }


def _fingerprint(path: Path) -> np.ndarray | None:
    try:
        waveform = load_audio(path)
        check_usable(waveform)
    except AudioError:
        return None
    return fingerprint(waveform)

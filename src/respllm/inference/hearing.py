"""Recordings as they are asked about: decoded, cut into clips, made into log-mels."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from respllm.audio import SAMPLE_RATE, check_usable, load_audio, log_mel, read_facts, warnings
from respllm.errors import AudioError
from respllm.tasks.clips import cut
from respllm.types import Clip, Dms, ProtocolName, Record

CHUNK = 64
"""Recordings answered together, at most; as many are heard meanwhile."""
CHUNK_CLIPS = 256
"""Clips from which on no more recordings are added to a chunk. As many, in recordings as long as
the longest so far, are heard meanwhile: hours of sound are not kept in memory."""

Source = Path | str | bytes | np.ndarray


@dataclass(frozen=True, slots=True)
class Request:
    """One recording to answer for.

    Attributes:
        audio: a file, its bytes, or a mono waveform of 16 kHz.
        dms: what the person stated.
        record_id, subject_id: names that come back with the answer.
        label: the true answer, if known; it does not influence anything.
    """

    audio: Source
    dms: Dms = field(default_factory=Dms)
    record_id: str = "recording"
    subject_id: str = "person"
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recording without an answer, and why."""

    record_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording as the encoder takes it.

    Attributes:
        clips: those that can be used, at least one.
        mels: float32 (number of clips, 256, 64).
        warnings: what a reader should know about the recording.
    """

    request: Request
    clips: tuple[Clip, ...]
    mels: np.ndarray
    warnings: tuple[str, ...]


def heard_ahead(
    requests: Iterable[Request], listen: Callable[[Request], Heard]
) -> Iterator[list[Heard | Refusal]]:
    """Chunks of recordings in order; while one is answered, threads hear the next.

    Args:
        requests: if it fails, what it gave before still comes, and then its exception.
        listen: hears one recording; called from several threads. An `AudioError` becomes a
            refusal, another exception is raised here.
    """

    def attempt(request: Request) -> Heard | Refusal:
        try:
            return listen(request)
        except AudioError as error:
            return Refusal(request.record_id, str(error))

    pending = iter(requests)
    ahead: deque[Future[Heard | Refusal]] = deque()
    failure: Exception | None = None
    workers = min(8, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(workers)
    longest = 0  # clips of a recording, so far
    try:
        while True:
            chunk: list[Heard | Refusal] = []
            clips = 0
            while len(chunk) < CHUNK and clips < CHUNK_CLIPS:
                try:
                    fits = min(CHUNK, CHUNK_CLIPS // longest) if longest else 0
                    room = max(workers, fits)
                    wanted = 0 if failure else max(0, room + 1 - len(ahead))
                    ahead.extend(pool.submit(attempt, one) for one in islice(pending, wanted))
                except Exception as error:  # raised again once all before it is answered
                    failure = error
                if not ahead:
                    break
                one = ahead.popleft().result()
                chunk.append(one)
                if isinstance(one, Heard):
                    clips += len(one.clips)
                    longest = max(longest, len(one.clips))
            if not chunk:
                break
            yield chunk
    finally:
        pool.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure


def hear(request: Request, protocol: ProtocolName) -> Heard:
    """Decode a recording, cut it as the protocol does, and compute its log-mels.

    Raises:
        AudioError: none of its clips can be used.
    """
    source = Path(request.audio) if isinstance(request.audio, str) else request.audio
    record = Record(
        request.record_id,
        request.subject_id,
        "",
        "",
        source if isinstance(source, Path) else Path(),
        request.dms,
    )
    clips = _clips(record, source, protocol)
    usable: list[Clip] = []
    mels: list[np.ndarray] = []
    found: list[str] = []
    refused: list[AudioError] = []
    for clip in clips:
        try:
            waveform = _stretch(source, clip)
            quality = check_usable(waveform)
        except AudioError as error:  # the rest of a recording may be heard, as in `evaluate`
            refused.append(error)
            continue
        usable.append(clip)
        mels.append(log_mel(waveform))
        found += warnings(quality)
    if not usable:
        raise refused[0]
    if refused:
        found.append(f"{len(refused)} of {len(clips)} clips left out: {refused[0].what}")
    return Heard(request, tuple(usable), np.stack(mels), tuple(dict.fromkeys(found)))


def _clips(
    record: Record, source: Path | bytes | np.ndarray, protocol: ProtocolName
) -> tuple[Clip, ...]:
    if protocol == "paper":
        return (Clip(record),)
    if isinstance(source, Path):
        facts = read_facts(source)
        if facts.error is not None:
            raise AudioError(f"The recording {facts.error}", where=str(source))
        seconds = facts.seconds
    elif isinstance(source, bytes):
        seconds = len(load_audio(source)) / SAMPLE_RATE
    else:
        seconds = len(source) / SAMPLE_RATE
    return tuple(cut(record, seconds))


def _stretch(source: Path | bytes | np.ndarray, clip: Clip) -> np.ndarray:
    if not isinstance(source, np.ndarray):
        return load_audio(source, clip.start, clip.stop)
    stop = None if clip.stop is None else round(clip.stop * SAMPLE_RATE)
    return source[round(clip.start * SAMPLE_RATE) : stop].astype(np.float32)

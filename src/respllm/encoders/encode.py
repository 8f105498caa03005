"""Clips to audio tokens: decode in parallel, encode in batches, compute nothing twice."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from respllm.audio import quality
from respllm.audio.conditions import heard_elsewhere
from respllm.audio.frontend import count_windows, log_mels, windows
from respllm.audio.headers import read_facts
from respllm.audio.index import AudioIndex, default_cache_dir
from respllm.audio.loading import load_audio
from respllm.encoders.base import AudioEncoder
from respllm.encoders.cache import TokenCache, TokenKey, Unusable
from respllm.errors import AudioError, RespllmError
from respllm.types import Clip

Result = TypeVar("Result")

TOKENS_FOLDER = "tokens"
_THREADS = min(4, os.cpu_count() or 1)  # decoding and the FFT release the interpreter lock


@dataclass(frozen=True, slots=True)
class Skipped:
    """A clip that gives no tokens, and why."""

    clip_id: str
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of a file that is decoded once, and the clips wanted from it."""

    path: Path
    keys: tuple[TokenKey, ...]


class EncodedClips:
    """The tokens of a list of clips, read from the cache when they are asked for.

    Attributes:
        usable: bool (number of clips,): which clips have tokens.
        skipped: the others, in the clips' order, each with its reason.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        keys: Sequence[TokenKey | None],
        reasons: Sequence[str | None],
        cache: TokenCache,
        token_shape: tuple[int, int],
        repair: Callable[[int], None],
    ) -> None:
        self._clips = clips
        self._keys = keys
        self._cache = cache
        self._token_shape = token_shape
        self._repair = repair
        self.usable: np.ndarray = np.array([reason is None for reason in reasons], bool)
        self.skipped: tuple[Skipped, ...] = tuple(
            Skipped(clip.clip_id, clip.record.audio_path, reason)
            for clip, reason in zip(clips, reasons, strict=True)
            if reason is not None
        )

    def tokens(self, indices: Sequence[int]) -> np.ndarray:
        """Tokens of some clips, float32 (n, 64, A), in the order asked for.

        Args:
            indices: positions in the list of clips that was encoded; all of them usable.

        Raises:
            RespllmError: a clip that is not usable; or its entry was damaged or deleted meanwhile,
                and the recording is no longer there to compute it again.
        """
        found = np.empty((len(indices), *self._token_shape), np.float32)
        for row, index in zip(found, indices, strict=True):
            key = self._keys[index] if self.usable[index] else None
            if key is None or not self._read(key, index, row):
                raise RespllmError(
                    f"There are no tokens of clip {self._clips[index].clip_id}",
                    where=str(self._cache.folder),
                    expected="a usable clip, and a cache and recordings that are left alone",
                    next_step="ask for usable clips only, or encode the clips again",
                )
        return found

    def _read(self, key: TokenKey, index: int, row: np.ndarray) -> bool:
        if self._cache.read(key, row) is row:
            return True
        self._repair(index)
        return self._cache.read(key, row) is row


def encode_clips(
    clips: Sequence[Clip],
    encoder: AudioEncoder,
    *,
    cache_dir: Path | None = None,
    strict: bool = False,
    batch_size: int = 32,
    progress: Callable[[int, int], None] | None = None,
) -> EncodedClips:
    """Compute the audio tokens of clips, or find them in the cache.

    Clips with the same sound are computed once. What is in the cache already is not computed, and
    then the recording is not opened either (unless its file changed). Tokens are read when they
    are asked for, and not here: 100,000 clips are 6 to 20 GB. A recording that cannot be used is
    skipped and named in `EncodedClips.skipped`.

    Args:
        clips: what to encode; the same clip may occur more than once.
        encoder: from `load_encoder`; it computes on the device it is on.
        cache_dir: where tokens and facts about files are kept; None is `default_cache_dir()`.
        strict: raise at the first recording that cannot be used instead of skipping it.
        batch_size: clips encoded at once.
        progress: called with (clips done, clips in all) as they are done.

    Raises:
        AudioError: with `strict`, the first recording that cannot be used.
        RespllmError: the cache cannot be written; what was computed before is kept.
    """
    root = cache_dir or default_cache_dir()
    cache = TokenCache(root / TOKENS_FOLDER)
    facts = AudioIndex(root).facts_of(clip.record.audio_path for clip in clips)
    keys: list[TokenKey | None] = []
    reasons: list[str | None] = []
    wanted: dict[TokenKey, list[int]] = {}
    for index, clip in enumerate(clips):
        about = facts[clip.record.audio_path]
        key = None
        if about.error is None and about.sha256 is not None:
            key = TokenKey(
                encoder.cache_identity, about.sha256, clip.start, clip.stop, clip.window, clip.view
            )
            wanted.setdefault(key, []).append(index)
        keys.append(key)
        reasons.append(about.error and f"The recording {about.error}")

    done = 0

    def settle(indices: Sequence[int], reason: str | None) -> None:
        nonlocal done
        done += len(indices)
        for index in indices:
            reasons[index] = reason
        if reason is not None and strict:
            raise _refused(clips[indices[0]], reason)
        if progress:
            progress(done, len(clips))

    for index, reason in enumerate(reasons):
        if reason is not None:
            settle([index], reason)
    missing: list[TokenKey] = []
    for key, indices in wanted.items():
        held = cache.holds(key)
        if isinstance(held, Unusable):
            settle(indices, held.reason)
        elif held:
            settle(indices, None)
        else:
            missing.append(key)
    stretches = _stretches((key, clips[wanted[key][0]].record.audio_path) for key in missing)
    for key, reason in _computed(stretches, encoder, cache, batch_size):
        settle(wanted[key], reason)

    def repair(index: int) -> None:
        key, path = keys[index], clips[index].record.audio_path
        if key is not None and read_facts(path).sha256 == key.sha256:
            for _ in _computed([_Stretch(path, (key,))], encoder, cache, batch_size=1):
                pass

    shape = (encoder.n_tokens, encoder.width)
    return EncodedClips(clips, keys, reasons, cache, shape, repair)


def _refused(clip: Clip, reason: str) -> AudioError:
    return AudioError(
        reason,
        where=f"{clip.record.audio_path} (clip {clip.clip_id})",
        next_step="repair it or leave it out, or run without strict to skip such recordings",
    )


def _stretches(wanted: Iterable[tuple[TokenKey, Path]]) -> list[_Stretch]:
    groups: dict[tuple, list[TokenKey]] = {}
    paths: dict[tuple, Path] = {}
    for key, path in wanted:
        same = (key.sha256, key.start, key.stop)
        groups.setdefault(same, []).append(key)
        paths.setdefault(same, path)
    return [_Stretch(paths[same], tuple(keys)) for same, keys in groups.items()]


def _computed(
    stretches: Sequence[_Stretch], encoder: AudioEncoder, cache: TokenCache, batch_size: int
) -> Iterator[tuple[TokenKey, str | None]]:
    """Yield each key once it is settled: with None if its tokens are in the cache, or why not."""
    waiting: list[tuple[TokenKey, np.ndarray]] = []
    for prepared in _in_parallel(partial(_prepare, cache=cache), stretches):
        for key, found in prepared:
            if isinstance(found, Unusable):
                yield key, found.reason
                continue
            waiting.append((key, found))
            if len(waiting) == batch_size:
                yield from _encode(waiting, encoder, cache)
                waiting = []
    if waiting:
        yield from _encode(waiting, encoder, cache)


def _prepare(stretch: _Stretch, cache: TokenCache) -> list[tuple[TokenKey, np.ndarray | Unusable]]:
    """Decode a stretch: for each clip its log-mel, or why there is none."""
    first = stretch.keys[0]
    try:
        waveform = load_audio(stretch.path, first.start, first.stop)
        quality.check_usable(waveform)
        count = count_windows(waveform)
        keys = [key for key in stretch.keys if 0 <= key.window < count]
        plain = [key for key in keys if not key.view]
        found: dict[TokenKey, np.ndarray | Unusable] = dict(
            zip(plain, log_mels(waveform, [key.window for key in plain]), strict=True)
        )
        found |= {key: _viewed(waveform, key) for key in keys if key.view}
        beyond = Unusable(f"The recording has {count} windows, so none of that number")
    except AudioError as error:
        found, beyond = {}, Unusable(error.what)
        if isinstance(error.__cause__, OSError):  # it may be readable next time
            return [(key, beyond) for key in stretch.keys]
    for key in stretch.keys:
        if key not in found:
            cache.write(key, beyond)
    return [(key, found.get(key, beyond)) for key in stretch.keys]


def _viewed(waveform: np.ndarray, key: TokenKey) -> np.ndarray:
    (samples,) = windows(waveform, [key.window])
    return heard_elsewhere(samples, [int(key.sha256[:16], 16), round(1000 * key.start), key.view])


def _encode(
    batch: Sequence[tuple[TokenKey, np.ndarray]], encoder: AudioEncoder, cache: TokenCache
) -> Iterator[tuple[TokenKey, None]]:
    mel = torch.from_numpy(np.stack([mel for _, mel in batch]))
    tokens = encoder.tokens(mel.to(encoder.device)).float().cpu().numpy()
    for (key, _), found in zip(batch, tokens, strict=True):
        cache.write(key, found)
        yield key, None


def _in_parallel(work: Callable[[_Stretch], Result], items: Sequence[_Stretch]) -> Iterator[Result]:
    """Results in order, a few ahead of what is consumed: memory stays bounded."""
    ahead: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for item in items:
            ahead.append(pool.submit(work, item))
            if len(ahead) > 2 * _THREADS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

"""Which stretches of sound and which words carry a model's answers: Integrated Gradients.

What is attributed is the log-odds of answer 1, and the shares of all tokens add up to the log-odds
minus those of the baseline. Nothing here is told of a single person: sounds are averaged over
examples, words over people.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from respllm.audio.frontend import (
    FFT_HOP,
    FFT_SAMPLES,
    MEL_HIGH_HZ,
    MEL_LOW_HZ,
    N_FRAMES,
    N_MELS,
    mel_filters,
)
from respllm.audio.loading import SAMPLE_RATE
from respllm.audits.attributed_words import WordAttribution, word_attributions
from respllm.audits.integrated_gradients import STEPS, Tokens, token_attributions
from respllm.batching import ExampleSet
from respllm.encoders.architectures import ARCHITECTURES
from respllm.errors import DataError
from respllm.models import Checkpoint, RespLLM

MOST_ALIKE = 0.5
"""Spearman correlation with shuffled weights from which on the check counts as failed."""
BASELINE = (
    "Audio: at each position the mean token of these examples, a clip like all others, where "
    "silence would itself be a sign. Words: a full stop, which states nothing and is as large as "
    "other words (from vectors near zero, normalisation makes the sum inexact)."
)


@dataclass(frozen=True, slots=True)
class AudioBand:
    """The audio tokens of one frequency band in time order.

    Attributes:
        name: "all frequencies"; "low" and "high frequencies"; of four, from "lowest" to "highest".
        low_hz, high_hz: what the band covers.
        seconds: duration of one token.
        values: mean absolute attribution of each token, in log-odds.
    """

    name: str
    low_hz: float
    high_hz: float
    seconds: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RandomisationCheck:
    """Do the attributions depend on what was learned (Adebayo et al. 2018)?

    All weights but the word embeddings, which are the input, are shuffled within their tensors.

    Attributes:
        audio, words: mean over examples of Spearman's correlation between the absolute
            attributions of the trained and of the shuffled model; None where all are equal.
        passed: whether all defined correlations are below `MOST_ALIKE`; None if none is defined.
    """

    audio: float | None
    words: float | None
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where the answers to one task come from, over many examples.

    Attributes:
        model_id, task_id: what was asked of which model.
        method: name of the method.
        baseline: what an input is compared with, and why.
        examples, people: how many.
        bands: audio tokens; an encoder of unknown layout has one band.
        words: largest mean absolute attribution first.
        audio_share, dms_share, prompt_share: of the absolute attribution of all tokens.
        largest_delta: largest absolute error of an example's sum, in log-odds.
        mean_change: mean absolute change of the log-odds from the baseline, beside the delta.
        check: randomisation check.
    """

    model_id: str
    task_id: str
    method: str
    baseline: str
    examples: int
    people: int
    bands: tuple[AudioBand, ...]
    words: tuple[WordAttribution, ...]
    audio_share: float
    dms_share: float
    prompt_share: float
    largest_delta: float
    mean_change: float
    check: RandomisationCheck


def attribute(
    checkpoint: Checkpoint, examples: ExampleSet, positions: Sequence[int], seed: int
) -> Attribution:
    """Attribute a model's answers to audio tokens and words.

    Args:
        checkpoint: the model.
        examples: what is asked.
        positions: which examples; a few dozen of one task, of many people.
        seed: of the shuffled weights.

    Raises:
        DataError: no example, or examples of several tasks.
    """
    tasks = sorted({examples.examples[i].task_id for i in positions})
    if len(tasks) != 1:
        raise DataError(
            f"Got examples of {len(tasks)} tasks: {', '.join(tasks) or 'none'}",
            where="attribution",
            expected="examples of one task",
            next_step="choose positions of one task",
        )
    model = checkpoint.model
    word = checkpoint.tokenizer.dms_ids(".")[-1]
    trained, deltas, changes = _all_attributions(model, examples, positions, word)
    other = shuffled_weights(model, seed)
    shuffled, _, _ = _all_attributions(other, examples, positions, word)
    totals = {
        name: sum(float(np.abs(tokens[name]).sum()) for tokens in trained)
        for name in ("audio", "DMS", "prompt")
    }
    whole = sum(totals.values()) or 1.0
    audio = np.abs([tokens["audio"] for tokens in trained]).mean(0)
    people = {examples.examples[i].clip.record.subject_id for i in positions}
    return Attribution(
        checkpoint.model_id,
        tasks[0],
        f"Integrated Gradients (Sundararajan et al. 2017; captum), {STEPS} steps",
        BASELINE,
        len(positions),
        len(people),
        audio_bands(checkpoint.config.encoder_name, audio),
        word_attributions(checkpoint.tokenizer, examples, positions, trained),
        totals["audio"] / whole,
        totals["DMS"] / whole,
        totals["prompt"] / whole,
        float(np.abs(deltas).max()),
        float(np.abs(changes).mean()),
        _check(trained, shuffled),
    )


def _all_attributions(
    model: RespLLM, examples: ExampleSet, positions: Sequence[int], neutral_word: int
) -> tuple[list[Tokens], list[float], list[float]]:
    device = next(model.parameters()).device
    batches = [examples.batch([i]).to(device) for i in positions]
    mean_audio = torch.cat([batch.audio for batch in batches]).mean(0, keepdim=True)
    was_training = model.training
    model.eval()
    found = [token_attributions(model, batch, mean_audio, neutral_word) for batch in batches]
    model.train(was_training)
    return [one[0] for one in found], [one[1] for one in found], [one[2] for one in found]


@torch.no_grad()
def shuffled_weights(model: RespLLM, seed: int) -> RespLLM:
    """A copy whose weights are the same numbers in another order, but for the word embeddings."""
    other = deepcopy(model)
    kept = {id(parameter) for parameter in other.llm.get_input_embeddings().parameters()}
    generator = torch.Generator().manual_seed(seed)
    for parameter in other.parameters():
        if id(parameter) not in kept:
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return other


def _check(trained: Sequence[Tokens], shuffled: Sequence[Tokens]) -> RandomisationCheck:
    audio = _likeness([t["audio"] for t in trained], [t["audio"] for t in shuffled])
    words = _likeness([_texts(t) for t in trained], [_texts(t) for t in shuffled])
    defined = [value for value in (audio, words) if value is not None]
    return RandomisationCheck(
        audio, words, all(value < MOST_ALIKE for value in defined) if defined else None
    )


def _texts(tokens: Tokens) -> np.ndarray:
    return np.concatenate([tokens["prompt"], tokens["DMS"]])


def _likeness(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float | None:
    from scipy.stats import spearmanr

    values = [
        float(spearmanr(np.abs(a), np.abs(b)).statistic)
        for a, b in zip(first, second, strict=True)
        if np.ptp(np.abs(a)) and np.ptp(np.abs(b))
    ]
    return float(np.mean(values)) if values else None


def audio_bands(encoder: str, values: np.ndarray) -> tuple[AudioBand, ...]:
    """Lay (64,) values of audio tokens out in time, by the order in which the encoder gives them.

    HTS-AT: stretch by stretch of the clip, eight steps of the lowest frequencies, then of the next.
    """
    layout = _LAYOUTS.get(encoder)
    bands = layout.bands if layout else 1
    stretches = values.reshape(-1, bands, 8 if layout else len(values))
    lines = stretches.swapaxes(0, 1).reshape(bands, -1)
    seconds = N_FRAMES * FFT_HOP / SAMPLE_RATE / lines.shape[1]
    edges = _edges_hz(bands)
    return tuple(
        AudioBand(name, low, high, seconds, tuple(line.tolist()))
        for name, low, high, line in zip(
            _BAND_NAMES[bands], edges[:-1], edges[1:], lines, strict=True
        )
    )


def _edges_hz(bands: int) -> list[float]:
    """Limits of equal parts of the front-end's 64 mel bands; they meet between two peaks."""
    peaks = mel_filters().argmax(axis=1) * SAMPLE_RATE / FFT_SAMPLES
    inner = [float(peaks[i - 1 : i + 1].mean()) for i in range(0, N_MELS, N_MELS // bands) if i]
    return [MEL_LOW_HZ, *inner, MEL_HIGH_HZ]


_BAND_NAMES = {
    bands: tuple(f"{name} frequencies" for name in names)
    for bands, names in {
        1: ("all",),
        2: ("low", "high"),
        4: ("lowest", "low", "high", "highest"),
    }.items()
}
_LAYOUTS = {"opera-ct": ARCHITECTURES["htsat"], **ARCHITECTURES}

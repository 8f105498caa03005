"""Which stretches of one recording and which words carry one answer: Integrated Gradients.

Unlike `attribution`, which speaks of many people, this speaks of the one who asks: it is told to
them and kept nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch

from respllm.audio.frontend import (
    FFT_HOP,
    N_FRAMES,
)
from respllm.audio.loading import SAMPLE_RATE
from respllm.audits.attributed_words import Part, written_words
from respllm.audits.attribution import audio_bands
from respllm.audits.integrated_gradients import STEPS, token_attributions
from respllm.batching import ExampleSet
from respllm.errors import CheckpointError
from respllm.inference.answering import Answerer
from respllm.inference.hearing import Heard
from respllm.inference.predictor import asked_of
from respllm.inference.question import Question

CLIP_SECONDS = N_FRAMES * FFT_HOP / SAMPLE_RATE
METHOD = f"Integrated Gradients (Sundararajan et al. 2017; captum), {STEPS} steps"
BASELINE = (
    "Sound: the mean audio tokens of the training clips, a clip like all others. Words: a full "
    "stop, which states nothing."
)


@dataclass(frozen=True, slots=True)
class BandAttribution:
    """The audio tokens of one frequency band of one clip, in time order.

    Attributes:
        name: "all frequencies", "low frequencies" or "high frequencies".
        low_hz, high_hz: what the band covers.
        seconds_per_value: duration of one token.
        values: each token's signed share, in log-odds.
    """

    name: str
    low_hz: float
    high_hz: float
    seconds_per_value: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ClipAttribution:
    """One clip; times are seconds of the recording whose silence at both ends is not trimmed.

    Attributes:
        seconds_start: where the clip was cut from.
        seconds_stop: where its 64 tokens end; later than the end of a short recording.
        audio: (64,) the tokens' shares in the encoder's order.
        bands: the same in time and frequency.
    """

    seconds_start: float
    seconds_stop: float
    audio: tuple[float, ...]
    bands: tuple[BandAttribution, ...]


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """One word as the model read it, and its share of the log-odds (mean over clips)."""

    word: str
    part: Part
    value: float


@dataclass(frozen=True, slots=True)
class RecordingAttribution:
    """Where one answer comes from, in log-odds of answer 1.

    Attributes:
        clips: each with its own shares; the answer is the mean over clips.
        words: in the order in which they are read.
        rest: share of tokens that are no word (a beginning of sequence).
        change: log-odds less those of the baseline, mean over clips: the sum of the mean over
            `clips`, `words` and `rest`.
        largest_delta: how far a clip's shares miss their sum, at most.
        method, baseline: how.
    """

    clips: tuple[ClipAttribution, ...]
    words: tuple[WrittenWord, ...]
    rest: float
    change: float
    largest_delta: float
    method: str = METHOD
    baseline: str = BASELINE


def attribute_recording(
    answerer: Answerer, heard: Heard, question: Question
) -> RecordingAttribution:
    """Attribute one answer to the stretches of its recording and to words; threads may share it.

    Raises:
        CheckpointError: the model has no neutral sound to compare with.
    """
    if answerer.reference is None:
        raise CheckpointError(
            "This model does not know what its training recordings sounded like",
            expected="a neutral sound to compare with",
            next_step="train it again with this version",
        )
    predictor = answerer.predictor
    checkpoint = predictor.checkpoint
    tokens = predictor.tokens([heard])[0]
    examples = ExampleSet(
        asked_of(heard, question), lambda rows: tokens[np.asarray(rows)], checkpoint.tokenizer
    )
    device = next(checkpoint.model.parameters()).device
    neutral = torch.from_numpy(answerer.reference.mean_tokens)[None].to(device)
    word = checkpoint.tokenizer.dms_ids(".")[-1]
    found = []
    for row in range(len(examples)):
        with torch.autocast(device.type, torch.bfloat16, enabled=predictor.precision == "bfloat16"):
            batch = examples.batch([row]).to(device)
            found.append(token_attributions(checkpoint.model, batch, neutral, word))
    shares = {
        name: np.mean([one[name] for one, _, _ in found], axis=0) for name in ("prompt", "DMS")
    }
    first = examples.examples[0]
    texts: tuple[tuple[Part, str], ...] = (
        ("prompt", first.prompt_text),
        ("DMS", f" {first.dms_text}" if first.dms_text else ""),
    )
    words = tuple(
        WrittenWord(written.strip(), part, share)
        for part, text in texts
        for written, share in written_words(checkpoint.tokenizer, text, shares[part])
    )
    return RecordingAttribution(
        clips=tuple(
            ClipAttribution(
                clip.start,
                clip.start + CLIP_SECONDS,
                tuple(one["audio"].tolist()),
                _bands(checkpoint.config.encoder_name, one["audio"]),
            )
            for clip, (one, _, _) in zip(heard.clips, found, strict=True)
        ),
        words=words,
        rest=float(sum(map(np.sum, shares.values()))) - sum(word.value for word in words),
        change=fmean(change for _, _, change in found),
        largest_delta=max(abs(delta) for _, delta, _ in found),
    )


def _bands(encoder: str, audio: np.ndarray) -> tuple[BandAttribution, ...]:
    return tuple(
        BandAttribution(band.name, band.low_hz, band.high_hz, band.seconds, band.values)
        for band in audio_bands(encoder, audio)
    )

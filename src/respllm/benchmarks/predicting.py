"""Prediction measured: from cached audio tokens, and from files through the `Predictor`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from respllm.audio import SAMPLE_RATE, load_audio, log_mel
from respllm.benchmarks.plain import Sample, plain_answers
from respllm.benchmarks.workload import BATCH, RandomOperaCT, Workload
from respllm.config import ModelConfig
from respllm.inference import Predictor, Question, Request
from respllm.models import Checkpoint, CheckpointConfig, PromptMemory, predict_logits
from respllm.types import Example, Precision, Prediction

SECONDS = 10
"""Of a measured file; its first clip of 8.18 s is heard."""


class CachedPredictions:
    """Answers from cached tokens; prompts stay read from one call to the next, as in a service."""

    def __init__(self, work: Workload, precision: Precision) -> None:
        self._model = work.answering_model(precision)
        self._memory = PromptMemory()
        self._bf16 = precision == "bfloat16"
        self._set = work.set()

    def __call__(self, number: int) -> np.ndarray:
        """Log-odds of all examples."""
        return predict_logits(self._model, self._set, bf16=self._bf16, memory=self._memory)


def write_files(folder: Path, count: int) -> list[Path]:
    """Noise as 16-bit WAV files of 16 kHz."""
    draw = np.random.default_rng(0)
    paths = [folder / f"{number}.wav" for number in range(count)]
    for path in paths:
        noise = draw.standard_normal(SECONDS * SAMPLE_RATE).astype(np.float32)
        soundfile.write(path, 0.1 * noise, SAMPLE_RATE, subtype="PCM_16")
    return paths


class FilePredictions:
    """Answers from files through the project's `Predictor`."""

    def __init__(self, work: Workload, paths: Sequence[Path], precision: Precision) -> None:
        encoder = RandomOperaCT(precision)
        config = CheckpointConfig(
            model=ModelConfig(llm="-/-"),
            base_identity="",
            encoder_name=encoder.name,
            encoder_identity=encoder.identity,
            audio_width=encoder.width,
            protocol="paper",  # one clip a recording
            seed=0,
            tasks=(),
            datasets=(),
            agreement_only=(),
            simulated=False,
        )
        checkpoint = Checkpoint(work.answering_model(precision), work.tokenizer, config)
        self._predictor = Predictor(checkpoint, encoder, precision=precision)
        asked = work.asked[: len(paths)]
        self._requests = [
            Request(path, example.clip.record.dms, path.name, path.name)
            for path, example in zip(paths, asked, strict=True)
        ]
        self._question = Question(asked[0].task_id, asked[0].prompt_text, None)

    def __call__(self, number: int) -> list[float]:
        """Log-odds of all files."""
        answers = self._predictor.predict_many(self._requests, self._question)
        return [answer.logit for answer in answers if isinstance(answer, Prediction)]


def plain_file_predictions(work: Workload, paths: Sequence[Path]) -> torch.Tensor:
    """Log-odds of all files, one after the other decoded, sixteen at once encoded."""
    prompt = work.tokenizer.prompt_ids(work.asked[0].prompt_text)
    asked: list[Example] = work.asked[: len(paths)]
    found = []
    for first in range(0, len(paths), BATCH):
        samples = [
            Sample(
                prompt,
                work.tokenizer.dms_ids(example.dms_text),
                torch.from_numpy(log_mel(load_audio(path))),
                0,
            )
            for path, example in zip(
                paths[first : first + BATCH], asked[first : first + BATCH], strict=True
            )
        ]
        logits = plain_answers(work.model, work.network, samples)
        found.append(logits[:, 1] - logits[:, 0])
    return torch.cat(found)

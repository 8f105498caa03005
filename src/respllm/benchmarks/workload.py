"""What is measured on: a language model of width 512, the paper's questions, people and sounds.

The model is a Llama of width 512 with 8 layers (inner 1,376, vocabulary 32,000) with random weights
and adapters on query and value; the encoder is OPERA-CT's network with random weights, as fast as
the real one. Prompts are those of S1 to S7; people state two to eight things about themselves. A
byte-pair tokenizer is cut so that prompts have about 81 tokens and DMS texts about 40, as a Llama's
tokenizer gives.
"""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import ClapAudioConfig, ClapAudioModel, LlamaConfig, LlamaModel

from respllm.batching import ExampleSet, TextTokenizer
from respllm.benchmarks.plain import Sample
from respllm.config import LoraSettings, ModelConfig
from respllm.datasets.vocabulary import MEDICAL_HISTORY, SYMPTOMS
from respllm.encoders.opera_ct import OperaCT
from respllm.models import RespLLM, assemble, for_inference
from respllm.models.llm import add_lora
from respllm.models.nano import byte_pair_tokenizer
from respllm.models.respllm import AUDIO_POSITIONS
from respllm.prompts import dms_text, task_prompt
from respllm.tasks import builtin_tasks
from respllm.types import Clip, Dms, Example, Precision, Record

BATCH = 16
VOCABULARY = 32_000
TOKENIZER_WORDS = 580


@dataclass(frozen=True, slots=True)
class Size:
    """Of the language model.

    Attributes:
        kv_heads: heads of keys and values; None: as many as of queries.
        vocabulary: words with an embedding.
    """

    width: int = 512
    inner: int = 1376
    layers: int = 8
    heads: int = 8
    kv_heads: int | None = None
    vocabulary: int = VOCABULARY

    def config(self) -> LlamaConfig:
        """Of a Llama of this size."""
        return LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads or self.heads,
        )


class RandomOperaCT(OperaCT):
    """OPERA-CT without its checkpoint: weights drawn from a seed."""

    def __init__(self, precision: Precision = "float32") -> None:
        super(OperaCT, self).__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.network = ClapAudioModel(ClapAudioConfig())
            for parameter in self.network.parameters():  # also those that begin as 0 or 1
                parameter.data += 0.02 * torch.randn_like(parameter)
        self.identity = "random-htsat"
        self.settle(precision)


class Workload:
    """A model, an encoder and examples, the same each time they are made.

    Args:
        examples: how many.
        size: of the language model.

    Attributes:
        model: float32, in training mode.
        tokenizer: of its texts.
        asked: the examples, S1 to S7 mixed.
    """

    def __init__(self, examples: int, size: Size | None = None) -> None:
        size = size or Size()
        self.tokenizer = tokenizer()
        self.model = _model(size)
        self.asked = questions(examples)
        self.mels = torch.rand(examples, 256, 64, generator=torch.Generator().manual_seed(0))

    @cached_property
    def network(self) -> Any:
        """HTS-AT as `transformers` has it."""
        return RandomOperaCT().network

    @cached_property
    def tokens(self) -> np.ndarray:
        """(n, 64, 768) audio tokens, as a cache would give them."""
        encoder = RandomOperaCT()
        return np.concatenate([encoder.tokens(m).numpy() for m in self.mels.split(BATCH)])

    def set(self, first: int = 0, last: int | None = None) -> ExampleSet:
        """The examples from `first` to before `last`, their audio tokens at hand."""
        chosen = slice(first, last)
        tokens = self.tokens[chosen]
        return ExampleSet(self.asked[chosen], lambda rows: tokens[list(rows)], self.tokenizer)

    def samples(self, first: int = 0, last: int | None = None) -> list[Sample]:
        """The same examples for the plain recipe."""
        return [
            Sample(
                self.tokenizer.prompt_ids(example.prompt_text),
                self.tokenizer.dms_ids(example.dms_text),
                mel,
                int(example.label or 0),
            )
            for example, mel in list(zip(self.asked, self.mels, strict=True))[slice(first, last)]
        ]

    def trained_model(self, precision: Precision) -> RespLLM:
        """A copy to train: its frozen weights in `precision`, what is trained in float32."""
        model = deepcopy(self.model)
        for parameter in model.llm.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.to(getattr(torch, precision))
        return model

    def answering_model(self, precision: Precision) -> RespLLM:
        """A copy to predict with."""
        return for_inference(deepcopy(self.model), precision)

    def forward_flops(self, positions: float) -> float:
        """Of one example of so many positions, in the language model's matrices alone.

        In the last block all but keys and values is computed for the 64 audio positions only.
        Adapters and attention, some per cent, are not counted.
        """
        last = self.model.llm.layers[-1]
        frozen = {n: p for n, p in last.named_parameters() if p.ndim == 2 and "lora_" not in n}
        layer = sum(weight.numel() for weight in frozen.values())
        everywhere = sum(w.numel() for n, w in frozen.items() if "k_proj" in n or "v_proj" in n)
        others = (len(self.model.llm.layers) - 1) * layer + everywhere
        return 2 * (others * positions + (layer - everywhere) * AUDIO_POSITIONS)


def tokenizer() -> TextTokenizer:
    """Cut so that texts have as many tokens as with a Llama's."""
    return TextTokenizer(byte_pair_tokenizer(TOKENIZER_WORDS))


def questions(count: int) -> list[Example]:
    """So many examples, S1 to S7 mixed."""
    draw = random.Random(0)
    tasks = [task for task in builtin_tasks().values() if task.id.startswith("S")]
    return [
        Example(
            task.id,
            Clip(Record(f"r{i}", f"s{i}", task.dataset_name, "", Path(), person)),
            task_prompt(task),
            dms_text(person),
            draw.randrange(2),
        )
        for i in range(count)
        for task, person in [(draw.choice(tasks), _person(draw))]
    ]


def fused(llm: Any) -> RespLLM:
    """A frozen language model with adapters that have an effect, a projector and a head."""
    config = ModelConfig(llm="-/-", lora=LoraSettings())
    adapted = add_lora(llm.requires_grad_(False), LoraSettings(), 0)
    model = assemble(adapted, config, OperaCT.width, 0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:  # adapters begin as no change: give them an effect
                parameter.normal_(std=0.02)
    return model


def _model(size: Size) -> RespLLM:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return fused(LlamaModel(size.config()))


def _person(draw: random.Random) -> Dms:
    return Dms(
        gender=draw.choice(("Female", "Male")),
        age=draw.randrange(18, 90),
        medical_history=tuple(draw.sample(MEDICAL_HISTORY, draw.choice((0, 0, 1, 1, 2)))),
        symptoms=tuple(draw.sample(SYMPTOMS, draw.choice((0, 0, 1, 2, 3)))),
    )

"""The small Llama that is pretrained: building, reading with it, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from respllm.models.quiet import bars_on_terminals_only
from respllm.pretraining.text.settings import Architecture

BEGIN_ID = 0
_POSITIONS = 1024
_STRETCHES = 8
"""That are read at once; more do not fit a processor's cache."""


def build_model(size: Architecture, dropout: float, device: str, seed: int) -> Any:
    """A `LlamaForCausalLM` with tied embeddings, initialised from `seed`.

    Weights start with a standard deviation of 0.02, and those that add to the residual stream with
    0.02 / sqrt(2 layers), as in GPT-2 (Radford et al. 2019).
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=_POSITIONS,
        attention_dropout=dropout,
        tie_word_embeddings=True,
        bos_token_id=BEGIN_ID,
        eos_token_id=BEGIN_ID,
        pad_token_id=None,
        # Torch's fused attention is slower than plain products on processors.
        attn_implementation="sdpa" if device == "cuda" else "eager",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            for layer in model.model.layers:
                for part in (layer.self_attn.o_proj, layer.mlp.down_proj):
                    part.weight.div_((2 * size.layers) ** 0.5)
    return model.to(device)


class LanguageModel:
    """Reads documents with a causal language model.

    Args:
        model: of `transformers`, with a word head.
        context: tokens it reads at once.
        bf16: compute in bfloat16 (autocast).
    """

    def __init__(self, model: Any, context: int, bf16: bool = False) -> None:
        self.model = model
        self._context = context
        self._bf16 = bf16

    def log_probabilities(self, documents: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Natural logarithm of each token's probability after those before it, but the first's.

        A document longer than the context is read in stretches that overlap by half, so that every
        token is predicted from at least half a context, or from all there is.

        Args:
            documents: token ids, each beginning with the token that stands before documents.

        Returns:
            One array per document, one shorter than it.
        """
        result = [np.zeros(len(ids) - 1) for ids in documents]
        pieces = [
            (number, start, stop, new)
            for number, ids in enumerate(documents)
            for start, stop, new in _pieces(len(ids) - 1, self._context)
        ]
        pieces.sort(
            key=lambda piece: piece[2] - piece[1]
        )  # stretches of a length are read together
        training = self.model.training
        self.model.eval()
        for first in range(0, len(pieces), _STRETCHES):
            some = pieces[first : first + _STRETCHES]
            read = self._read([documents[n][start : stop + 1] for n, start, stop, _ in some])
            for (number, start, stop, new), values in zip(some, read, strict=True):
                result[number][new:stop] = values[new - start : stop - start]
        self.model.train(training)
        return result

    @torch.inference_mode()
    def _read(self, stretches: list[np.ndarray]) -> np.ndarray:
        """(stretches, longest - 1); what stands behind a shorter one's end means nothing."""
        ids = np.full((len(stretches), max(map(len, stretches))), BEGIN_ID)
        for row, stretch in zip(ids, stretches, strict=True):
            row[: len(stretch)] = stretch
        tokens = torch.from_numpy(ids).to(self.model.device)
        # Behind a shorter one stands padding, which no earlier token of a causal model reads.
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=self._bf16):
            logits = self.model(input_ids=tokens[:, :-1], use_cache=False).logits.float()
        values = logits.log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze(-1)
        return values.cpu().numpy()


def save_model(model: Any, folder: Path) -> None:
    """Write what `transformers.AutoModel` reads, in bfloat16."""
    from copy import deepcopy

    with bars_on_terminals_only():
        deepcopy(model).to(device="cpu", dtype=torch.bfloat16).save_pretrained(folder)


def _pieces(tokens: int, context: int) -> list[tuple[int, int, int]]:
    """First and last input of each stretch, and the first target that no earlier one predicts."""
    pieces, start, new = [], 0, 0
    while True:
        stop = min(start + context, tokens)
        pieces.append((start, stop, new))
        if stop == tokens:
            return pieces
        new, start = stop, start + context // 2

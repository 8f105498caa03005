"""A DMS text as one vector of a frozen language model: the paper's "soft" coding (figure 3b)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from respllm.batching import TextTokenizer, alike_batches
from respllm.config import ModelConfig, TextName
from respllm.errors import ConfigError
from respllm.models.llm import fingerprint, load_llm

BERT = "google-bert/bert-base-uncased"
BATCH_SIZE = 32


class TextEmbedder:
    """Texts to vectors, each distinct text once: it is kept in memory.

    The vector is the mean over the text's own tokens of the model's last hidden states; the special
    tokens around them are read, but not averaged (a causal model's first token has states a hundred
    times larger than all others). Of a model whose weights are random it is the mean of the word
    embeddings, a bag of words: its layers know nothing and only mix. On simulated validation people
    (2,000 subjects, S1 to S7) a logistic regression reached 0.705 on nano's words and 0.691 on its
    last hidden states. "" has no token and gives zeros.

    Args:
        model: maps `input_ids` and `attention_mask` to `last_hidden_state`; used frozen, in
            evaluation mode.
        tokenizer: its own fast tokenizer.
        identity: tells one embedder from another.
        random_weights: whether the model has learned nothing.

    Attributes:
        width: E, the size of a vector.
    """

    def __init__(
        self, model: Any, tokenizer: Any, identity: str, random_weights: bool = False
    ) -> None:
        self.identity = identity
        self._random_weights = random_weights
        self._model = model.requires_grad_(False).eval()
        self._words = TextTokenizer(tokenizer)
        self._before = _ids(tokenizer.cls_token_id, tokenizer.bos_token_id)
        # A causal model's words cannot read what comes after them.
        self._after = _ids(None if tokenizer.cls_token_id is None else tokenizer.sep_token_id)
        self.width = int(model.config.hidden_size)
        self._known: dict[str, np.ndarray] = {"": np.zeros(self.width, np.float32)}

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(n, E) float32, in order."""
        new = sorted(set(texts) - self._known.keys())
        ids = [self._words.dms_ids(text) for text in new]
        for rows in alike_batches([len(one) for one in ids], BATCH_SIZE):
            vectors = self._means([ids[row] for row in rows])
            self._known.update(zip((new[row] for row in rows), vectors, strict=True))
        if not texts:
            return np.zeros((0, self.width), np.float32)
        return np.stack([self._known[text] for text in texts])

    @torch.inference_mode()
    def _means(self, rows: Sequence[list[int]]) -> np.ndarray:
        device = next(self._model.parameters()).device
        whole = [[*self._before, *row, *self._after] for row in rows]
        longest = max(map(len, whole))
        ids = torch.zeros(len(rows), longest, dtype=torch.int64)
        for i, sequence in enumerate(whole):
            ids[i, : len(sequence)] = torch.tensor(sequence)
        position = torch.arange(longest)
        total = torch.tensor([len(sequence) for sequence in whole])[:, None]
        own = (position >= len(self._before)) & (position < total - len(self._after))
        states = self._states(ids.to(device), (position < total).long().to(device))
        weights = (own / own.sum(1, keepdim=True)).to(device)
        return (states.float() * weights[:, :, None]).sum(1).cpu().numpy()

    def _states(self, ids: Tensor, mask: Tensor) -> Tensor:
        if self._random_weights:
            return self._model.get_input_embeddings()(ids)
        return self._model(input_ids=ids, attention_mask=mask).last_hidden_state


def text_embedder(
    text: TextName, llm: ModelConfig, seed: int, device: str | torch.device = "cpu"
) -> TextEmbedder:
    """The frozen model that reads DMS texts for the soft baselines.

    Args:
        text: "bert" is the published BERT-base; "llm" is the run's own language model, for
            comparisons at equal knowledge, and where BERT cannot be fetched.
        llm: the language model's settings; unused for "bert".
        seed: draws the weights of language models that have none (nano, `random_weights`).

    Raises:
        ConfigError: BERT cannot be fetched; else see `load_llm`.
    """
    if text == "bert":
        return _bert(device)
    loaded = load_llm(llm, seed)  # its adapters begin as no change at all
    model = loaded.model if llm.quantize_4bit else loaded.model.to(device)
    drawn = bool(text_note(text, llm))
    return TextEmbedder(
        model,
        loaded.tokenizer,
        f"{llm.llm}-seed{seed}" if drawn else f"{llm.llm}-{loaded.identity}",
        drawn,
    )


def text_note(text: TextName, llm: ModelConfig) -> str:
    """What a reader of a result must know about the text embedding; "" if nothing."""
    if text == "llm" and (llm.llm == "nano" or llm.random_weights):
        return "the text embedding has random weights: it tells words apart but knows no language"
    return ""


def _bert(device: str | torch.device) -> TextEmbedder:
    from transformers import AutoModel, AutoTokenizer

    try:
        model = AutoModel.from_pretrained(BERT, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(BERT)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"BERT could not be loaded: {' '.join(str(error).split())[:300]}",
            where=f"https://huggingface.co/{BERT}",
            expected="the model on the hub or in the local hub cache",
            next_step="connect to the network, or embed with the run's own model (text: llm)",
        ) from error
    return TextEmbedder(model.to(device), tokenizer, f"bert-{fingerprint(model, tokenizer)}")


def _ids(*candidates: int | None) -> list[int]:
    """The first special token that there is, as a list."""
    return [token for token in candidates if token is not None][:1]

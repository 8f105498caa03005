"""The published recipe, written plainly: a reference to beat and to check against.

Frozen encoder recomputed at every step, all clips of a batch at once; the prompt computed anew for
every example; each segment padded on its own, so that padding stands between DMS and audio;
float32; after each epoch the training set is evaluated again, beside the validation set. Unlike the
published code it masks the padding, so its logits are right and can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from respllm.encoders.htsat_encoder import raster
from respllm.models import RespLLM


@dataclass(frozen=True, slots=True)
class Sample:
    """One example: token ids of both texts, its log-mel (256, 64), and its answer."""

    prompt: list[int]
    dms: list[int]
    mel: Tensor
    label: int


@torch.no_grad()
def plain_tokens(network: Any, samples: Sequence[Sample]) -> Tensor:
    """(B, 64, 768) audio tokens of `transformers`' ClapAudioModel, the whole batch at once."""
    mel = torch.stack([sample.mel for sample in samples])
    return raster(network(input_features=mel[:, None]).last_hidden_state)


def plain_logits(model: RespLLM, samples: Sequence[Sample], audio: Tensor) -> Tensor:
    """(B, 2) logits of the model's own weights, computed the plain way from tokens (B, 64, A)."""
    words = model.llm.get_input_embeddings()
    prompt, prompt_mask = _padded([sample.prompt for sample in samples])
    dms, dms_mask = _padded([sample.dms for sample in samples])
    mask = torch.cat([prompt_mask, dms_mask, torch.ones(audio.shape[:2], dtype=torch.long)], 1)
    hidden = model.llm(
        inputs_embeds=torch.cat([words(prompt), words(dms), model.projector(audio)], 1),
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=False,
    ).last_hidden_state
    return model.head(hidden[:, -audio.shape[1] :])


def plain_step(
    model: RespLLM, network: Any, optimizer: torch.optim.Optimizer, samples: Sequence[Sample]
) -> float:
    """One training step; its loss."""
    logits = plain_logits(model, samples, plain_tokens(network, samples))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(logits, torch.tensor([s.label for s in samples]))
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def plain_answers(model: RespLLM, network: Any, samples: Sequence[Sample]) -> Tensor:
    """(B, 2) logits of one batch without gradients."""
    return plain_logits(model, samples, plain_tokens(network, samples))


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask

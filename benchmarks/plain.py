"""The published recipe, written plainly: a reference to beat and to check against.

Frozen encoder recomputed at every step, the prompt computed anew for every example, each segment
padded on its own so that padding stands between DMS and audio, float32. Unlike the published code
it masks that padding, so its logits are right and can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from respllm.encoders import AudioEncoder
from respllm.models import RespLLM


@dataclass(frozen=True, slots=True)
class Sample:
    """One example: token ids of both texts, its log-mel (256, 64), and its answer."""

    prompt: list[int]
    dms: list[int]
    mel: Tensor
    label: int


def plain_logits(model: RespLLM, encoder: AudioEncoder, samples: Sequence[Sample]) -> Tensor:
    """(B, 2) logits of the model's own weights, computed the plain way."""
    words = model.llm.get_input_embeddings()
    prompt, prompt_mask = _padded([sample.prompt for sample in samples])
    dms, dms_mask = _padded([sample.dms for sample in samples])
    audio = encoder.tokens(torch.stack([sample.mel for sample in samples]))
    mask = torch.cat([prompt_mask, dms_mask, torch.ones(audio.shape[:2], dtype=torch.long)], 1)
    hidden = model.llm(
        inputs_embeds=torch.cat([words(prompt), words(dms), model.projector(audio)], 1),
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=False,
    ).last_hidden_state
    return model.head(hidden[:, -audio.shape[1] :])


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask

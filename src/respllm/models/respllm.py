"""RespLLM: prompt, DMS and audio as one causal sequence (paper 3.1, Figure 4).

Shapes: B examples, P distinct prompts, La = 64 audio tokens, A audio width, S the language
model's width, L the longest sequence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from respllm.batching import Batch
from respllm.config import Inputs

AUDIO_POSITIONS = 64


class RespLLM(nn.Module):
    """Projector, language model and head. It takes tensors and nothing else.

    Every sequence is [prompt; DMS; audio] without a gap, padded at its end only. Attention is
    causal, so padding is never read, and an example's logits do not depend on its batch-mates.

    Args:
        llm: returns hidden states; frozen but for its adapters, or trained in full.
        head: (B, La, S) -> (B, 2).
        audio_width: A.
        share_prompts: compute each distinct prompt of a batch once and let its examples attend
            to the kept keys and values. The same function, with gradients; exact while no dropout
            is active.
        inputs: what is told of a person; see `respllm.config.ModelConfig`.
    """

    def __init__(
        self,
        llm: Any,
        head: nn.Module,
        audio_width: int,
        share_prompts: bool = True,
        inputs: Inputs = "audio and text",
    ) -> None:
        super().__init__()
        self.llm = llm
        self.projector = nn.Linear(audio_width, llm.config.hidden_size)
        self.head = head
        self.share_prompts = share_prompts
        self.inputs = inputs

    def forward(self, batch: Batch) -> Tensor:
        """Logits for the answers 0 and 1, (B, 2) float32."""
        batch = self._told(batch)
        states = self._shared(batch) if self._may_share(batch) else self._plain(batch)
        return self.head(states.to(self.projector.weight.dtype)).float()

    def _told(self, batch: Batch) -> Batch:
        """The batch without what the model is not told."""
        if self.inputs == "text":
            return replace(batch, audio=torch.zeros_like(batch.audio))
        if self.inputs == "audio":
            return replace(batch, dms_lengths=torch.zeros_like(batch.dms_lengths))
        return batch

    def _may_share(self, batch: Batch) -> bool:
        return self.share_prompts and len(batch.prompt_lengths) < len(batch)

    def _embed_words(self, ids: Tensor) -> Tensor:
        return self.llm.get_input_embeddings()(ids)

    def _embed_audio(self, batch: Batch) -> Tensor:
        """(B, La, S), on the scale of the words: Gemma-2 multiplies those by the root of S."""
        scale = getattr(self.llm.get_input_embeddings(), "embed_scale", 1.0)
        return self.projector(batch.audio.to(self.projector.weight.dtype)) * scale

    def _plain(self, batch: Batch) -> Tensor:
        """Hidden states at the audio positions, (B, La, S), each sequence computed whole."""
        prompts = self._embed_words(batch.prompt_ids)[batch.prompt_of]
        lengths = batch.prompt_lengths[batch.prompt_of]
        sequence, starts = _join(
            (prompts, self._embed_words(batch.dms_ids), self._embed_audio(batch)),
            (lengths, batch.dms_lengths),
        )
        hidden = self.llm(inputs_embeds=sequence, use_cache=False).last_hidden_state
        return _take(hidden, starts)

    def _shared(self, batch: Batch) -> Tensor:
        """The same as `_plain`, with the keys and values of each distinct prompt computed once."""
        device = batch.audio.device
        prompts = self._embed_words(batch.prompt_ids)
        kept = self.llm(inputs_embeds=prompts, use_cache=True).past_key_values
        prefix = DynamicCache()
        for number, layer in enumerate(kept.layers):
            prefix.update(layer.keys[batch.prompt_of], layer.values[batch.prompt_of], number)
        sequence, starts = _join(
            (self._embed_words(batch.dms_ids), self._embed_audio(batch)), (batch.dms_lengths,)
        )
        prompt_lengths = batch.prompt_lengths[batch.prompt_of][:, None]
        steps = torch.arange(sequence.shape[1], device=device)
        slots = torch.arange(prompts.shape[1], device=device)
        readable = torch.cat(
            [
                slots < prompt_lengths,
                steps < (batch.dms_lengths + AUDIO_POSITIONS)[:, None],
            ],
            dim=1,
        )
        hidden = self.llm(
            inputs_embeds=sequence,
            attention_mask=readable.long(),
            position_ids=prompt_lengths + steps,
            past_key_values=prefix,
            use_cache=True,
        ).last_hidden_state
        return _take(hidden, starts)


def _join(segments: tuple[Tensor, ...], lengths: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Put right-padded segments of each row end to end, so that padding comes last only.

    Args:
        segments: (B, Li, S) each; the last is never padded.
        lengths: (B,) used lengths of all segments but the last.

    Returns:
        (B, L, S), and the position where each row's last segment starts, (B,).
    """
    dtype = segments[0].dtype
    padded = torch.cat([segment.to(dtype) for segment in segments], dim=1)
    starts = torch.stack(lengths).sum(0)
    total = int(starts.max()) + segments[-1].shape[1]
    position = torch.arange(total, device=padded.device).expand(len(starts), total)
    source = position.clone()
    used = torch.zeros_like(starts)[:, None]
    offset = 0
    for segment, length in zip(segments, (*lengths, None), strict=True):
        source = torch.where(position >= used, position - used + offset, source)
        offset += segment.shape[1]
        if length is not None:
            used = used + length[:, None]
    source = source.clamp(max=padded.shape[1] - 1)
    return padded.gather(1, source[..., None].expand(-1, -1, padded.shape[2])), starts


def _take(hidden: Tensor, starts: Tensor) -> Tensor:
    """The hidden states at the audio positions, (B, La, S)."""
    positions = starts[:, None] + torch.arange(AUDIO_POSITIONS, device=hidden.device)
    return hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[2]))

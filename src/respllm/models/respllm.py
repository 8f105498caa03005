"""RespLLM: prompt, DMS and audio as one causal sequence (paper 3.1, Figure 4).

Shapes: B examples, P distinct prompts, La = 64 audio tokens, A audio width, S the language
model's width, L the longest sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from respllm.batching import Batch, pack
from respllm.config import Inputs
from respllm.models import llama_blocks
from respllm.models.last_block import leave_out_texts
from respllm.models.packed_attention import PACKED_ATTENTION, PackedRow
from respllm.models.prompt_memory import KeptPrompts, PromptMemory

AUDIO_POSITIONS = 64


class RespLLM(nn.Module):
    """Projector, language model and head. It takes tensors and nothing else.

    Every sequence is [prompt; DMS; audio] without a gap. Attention is causal, so an example's
    logits do not depend on its batch-mates. A batch is computed as one packed row, in which texts
    that begin alike share those tokens (`forward`), or padded (`padded`): the same function.

    Args:
        llm: returns hidden states; frozen but for its adapters, or trained in full.
        head: (B, La, S) -> (B, 2).
        audio_width: A.
        dropout: whether the language model drops anything out while it is trained; then batches
            are padded, as examples that share tokens would share a mask.
        inputs: what is told of a person; see `respllm.config.ModelConfig`.
    """

    def __init__(
        self,
        llm: Any,
        head: nn.Module,
        audio_width: int,
        dropout: bool = False,
        inputs: Inputs = "audio and text",
    ) -> None:
        super().__init__()
        self.llm = llm
        self.projector = nn.Linear(audio_width, llm.config.hidden_size)
        self.head = head
        self.dropout = dropout
        self.inputs = inputs
        llm.set_attn_implementation(PACKED_ATTENTION)
        leave_out_texts(llm.layers[-1])
        windows = getattr(llm.config, "sliding_window", None)
        self._longest = windows if isinstance(windows, int) else None

    def forward(self, batch: Batch, memory: PromptMemory | None = None) -> Tensor:
        """Logits for the answers 0 and 1, (B, 2) float32.

        Args:
            memory: keeps the prompts' keys and values from one batch to the next; for inference
                only. None computes them anew.
        """
        batch = self._told(batch)
        if self.dropout and self.training:
            return self._answer(self._padded_states(batch))
        return self._answer(self._packed_states(batch, memory))

    def padded(self, batch: Batch) -> Tensor:
        """The same as `forward`, each sequence computed whole and padded at its end."""
        return self._answer(self._padded_states(self._told(batch)))

    def _answer(self, states: Tensor) -> Tensor:
        with torch.autocast(states.device.type, enabled=False):
            return self.head(states.to(self.projector.weight.dtype)).float()

    def _told(self, batch: Batch) -> Batch:
        """The batch without what the model is not told."""
        if self.inputs == "text":
            return replace(batch, audio=torch.zeros_like(batch.audio))
        if self.inputs == "audio":
            return replace(batch, dms_lengths=torch.zeros_like(batch.dms_lengths))
        return batch

    def _embed_words(self, ids: Tensor) -> Tensor:
        return self.llm.get_input_embeddings()(ids)

    def _embed_audio(self, batch: Batch) -> Tensor:
        """(B, La, S), on the scale of the words: Gemma-2 multiplies those by the root of S."""
        scale = getattr(self.llm.get_input_embeddings(), "embed_scale", 1.0)
        return self.projector(batch.audio.to(self.projector.weight.dtype)) * scale

    def _packed_states(self, batch: Batch, memory: PromptMemory | None) -> Tensor:
        """Hidden states at the audio positions, (B, La, S), from one row without padding."""
        prompts, texts = _texts(batch)
        kept = KeptPrompts()
        if memory is None:
            packing = pack([p + t for p, t in zip(prompts, texts, strict=True)], AUDIO_POSITIONS)
        else:
            kept = memory.with_prompts(prompts, self._read)
            packing = pack(
                texts, AUDIO_POSITIONS, [kept.rows[prompt] for prompt in prompts], kept.size
            )
        if self._longest is not None and packing.longest > self._longest:
            return self._padded_states(batch)  # attends through a window
        packing = packing.to(batch.audio.device)
        words = self._embed_words(packing.text_ids)
        audio = self._embed_audio(batch).flatten(0, 1).to(words.dtype)
        row = PackedRow(packing, kept.keys, kept.values)
        hidden = self._run(torch.cat([words, audio]), row)
        return hidden[-len(audio) :].unflatten(0, (len(batch), AUDIO_POSITIONS))

    def _read(
        self, prompts: Sequence[tuple[int, ...]]
    ) -> tuple[list[tuple[Tensor, Tensor]], list[range]]:
        """Keys and values of each layer, (K, Hkv, D), and the rows of each prompt.

        Prompts of different rows share nothing here: each keeps its rows together.
        """
        device = self.projector.weight.device
        places, packings, at = [], [], 0
        for prompt in prompts:
            packings.append(PackedRow(pack([prompt], 0).to(device), collected=[]))
            places.append(range(at, at + len(prompt)))
            at += len(prompt)
        for row in packings:
            self._run(self._embed_words(row.packing.text_ids), row)
        layers = zip(*(row.collected or [] for row in packings), strict=True)
        return [
            (torch.cat([k for k, _ in layer]), torch.cat([v for _, v in layer])) for layer in layers
        ], places

    def _run(self, embedded: Tensor, row: PackedRow) -> Tensor:
        """(N, S) through the language model, to (N, S) or the audio rows of that."""
        if llama_blocks.can_run(self.llm, embedded):
            return llama_blocks.run(self.llm, embedded, row)
        # A mask of four dimensions is handed through as it is; nothing reads it.
        unread = torch.ones((1, 1, 1, 1), dtype=torch.bool, device=embedded.device)
        return self.llm(
            inputs_embeds=embedded[None],
            position_ids=row.packing.positions[None],
            attention_mask=unread,
            use_cache=False,
            packed=row,
        ).last_hidden_state[0]

    def _padded_states(self, batch: Batch) -> Tensor:
        """Hidden states at the audio positions, (B, La, S), each sequence computed whole."""
        prompts = self._embed_words(batch.prompt_ids)[batch.prompt_of]
        lengths = batch.prompt_lengths[batch.prompt_of]
        sequence, starts = _join(
            (prompts, self._embed_words(batch.dms_ids), self._embed_audio(batch)),
            (lengths, batch.dms_lengths),
        )
        hidden = self.llm(inputs_embeds=sequence, use_cache=False).last_hidden_state
        return _take(hidden, starts)


def _texts(batch: Batch) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Each example's prompt and DMS text as token ids."""
    lengths = batch.prompt_lengths.tolist()
    ids = batch.prompt_ids.tolist()
    distinct = [tuple(row[:length]) for row, length in zip(ids, lengths, strict=True)]
    lengths = batch.dms_lengths.tolist()
    ids = batch.dms_ids.tolist()
    texts = [tuple(row[:length]) for row, length in zip(ids, lengths, strict=True)]
    return [distinct[row] for row in batch.prompt_of.tolist()], texts


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

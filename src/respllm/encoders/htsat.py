"""HTS-AT's forward pass on a processor: the numbers of `ClapAudioModel` with less moving about.

- Positions are kept in the order of the windows that attend to each other. One gather takes the
  place of rolling, cutting into windows, joining and rolling back, another of patch merging's.
- Query, key and value are one product with the scale in its weights; the bias of relative positions
  and the mask of shifted windows are added up once.
- The first stages, with thousands of positions, are computed clip by clip and the last, with large
  weights, for several clips; the scores of a few windows at a time. So what one operation writes
  is still in the processor's cache when the next one reads it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import ClapAudioModel
from transformers.models.clap.modeling_clap import ClapAudioLayer

from respllm.encoders.fused_linear import linear, linear_gelu, linear_plus

CLIP_BY_CLIP = 2  # the first stages, of 4,096 and 1,024 positions
TOGETHER = 4  # clips in the others
WINDOW = 8  # positions along a side
SCORES = 1 << 20  # bytes of attention scores at once, for each thread


@dataclass(frozen=True, slots=True)
class _Block:
    """A Swin block.

    Attributes:
        moved: (P,) where each position's vector was before this block; None: nothing moves.
        bias: (windows of a clip, or 1, heads, W, W), added to the scores of W positions.
        qkv: query (scaled), key and value.
    """

    moved: Tensor | None
    bias: Tensor
    norm_before: nn.LayerNorm
    qkv: nn.Linear
    out: nn.Linear
    norm_after: nn.LayerNorm
    widen: nn.Linear
    narrow: nn.Linear

    def __call__(self, x: Tensor) -> Tensor:
        """(B * P, width) to the same."""
        x = _moved(x, self.moved)
        heard = self._attended(linear(self.norm_before(x), self.qkv))
        x = linear_plus(heard, self.out, x)
        return linear_plus(linear_gelu(self.norm_after(x), self.widen), self.narrow, x)

    def _attended(self, qkv: Tensor) -> Tensor:
        windows, heads, size, _ = self.bias.shape
        split = qkv.view(-1, size, 3, heads, qkv.shape[1] // (3 * heads))
        result = torch.empty_like(split[:, :, 0], memory_format=torch.contiguous_format)
        room = SCORES * torch.get_num_threads()
        step = max(1, room // (heads * size * size * qkv.element_size()))
        # A part is some windows of one clip, or all windows of some clips: its bias is a slice.
        step = math.gcd(step, windows) if step < windows else step // windows * windows
        for start in range(0, len(split), step):
            part = split[start : start + step].permute(2, 0, 3, 1, 4).contiguous()
            query, key, value = part.flatten(1, 2)
            scores = torch.bmm(query, key.transpose(1, 2))
            bias = self.bias[start % windows :][:step]
            scores.view(-1, *bias.shape).add_(bias)
            torch.softmax(scores, -1, out=scores)
            heard = torch.bmm(scores, value).view(part.shape[1:])
            result[start : start + step] = heard.transpose(1, 2)
        return result.view(len(qkv), -1)


@dataclass(frozen=True, slots=True)
class _Merging:
    """Patch merging: four neighbours become one position, twice as wide.

    Attributes:
        moved: (P,) where the vectors were before, four of a new position beside one another.
    """

    moved: Tensor | None
    norm: nn.LayerNorm
    reduction: nn.Linear

    def __call__(self, x: Tensor) -> Tensor:
        """(B * P, width) to (B * P / 4, 2 * width)."""
        merged = _moved(x, self.moved).view(-1, 4 * x.shape[1])
        return linear(self.norm(merged), self.reduction)


class HtsAt:
    """The network with its weights laid out for a processor.

    Args:
        network: in evaluation mode, on the processor; weights in float32 or bfloat16, the first
            and the last norm in float32. Most tensors are shared with it, so it may not be changed
            afterwards.
    """

    def __init__(self, network: ClapAudioModel) -> None:
        self._encoder = encoder = network.audio_encoder
        self._stages: list[list[_Block | _Merging]] = []
        sides = [side for side, _ in encoder.input_resolutions]
        with torch.inference_mode(False), torch.no_grad():
            self._first = order = _by_window(sides[0])
            for stage, side in zip(encoder.layers, sides, strict=True):
                steps: list[_Block | _Merging] = []
                for block in stage.blocks:
                    block.set_shift_and_window_size((side, side))
                    wanted = _by_window(side, int(block.shift_size))
                    steps.append(_block(block, side, _between(order, wanted)))
                    order = wanted
                if stage.downsample is not None:
                    wanted = _by_window(side // 2)
                    moved = _between(order, _corners(wanted, side // 2))
                    merging = stage.downsample
                    steps.append(_Merging(moved, merging.norm, merging.reduction))
                    order = wanted
                self._stages.append(steps)
            self._last = _between(order, torch.arange(len(order)))

    @torch.no_grad()
    def __call__(self, mel: Tensor) -> Tensor:
        """Log-mels (B, 256, 64) to tokens (B, 64, A), float32, in raster order."""
        found: list[Tensor] = []
        for some in mel.split(TOGETHER):
            early = [self._run(self._embedded(one), 0, CLIP_BY_CLIP) for one in some.split(1)]
            x = self._run(torch.cat(early), CLIP_BY_CLIP, len(self._stages))
            x = self._encoder.norm(_moved(x, self._last).float())
            found.append(x.unflatten(0, (len(some), -1)))
        return torch.cat(found)

    def _embedded(self, mel: Tensor) -> Tensor:
        encoder, patches = self._encoder, self._encoder.patch_embed.proj
        level = encoder.batch_norm(mel[:, None].transpose(1, 3)).transpose(1, 3)
        image = encoder.reshape_mel2img(level)[:, 0]
        size = patches.stride[0]
        cut = image.unfold(1, size, size).unfold(2, size, size).flatten(3).flatten(1, 2)
        x = cut[:, self._first].flatten(0, 1).to(patches.weight.dtype)
        return encoder.patch_embed.norm(F.linear(x, patches.weight.flatten(1), patches.bias))

    def _run(self, x: Tensor, start: int, stop: int) -> Tensor:
        for stage in self._stages[start:stop]:
            for step in stage:
                x = step(x)
        return x


def _block(block: ClapAudioLayer, side: int, moved: Tensor | None) -> _Block:
    attention = block.attention.self
    parts = (attention.query, attention.key, attention.value)
    width = attention.all_head_size
    scale = torch.ones(3, 1, 1, dtype=attention.query.weight.dtype)
    scale[0] = 1 / math.sqrt(attention.attention_head_size)
    qkv = nn.utils.skip_init(nn.Linear, width, 3 * width).requires_grad_(False)
    qkv.weight.data = (torch.stack([part.weight for part in parts]) * scale).flatten(0, 1)
    qkv.bias.data = (torch.stack([part.bias for part in parts]) * scale[:, 0]).flatten()
    table = attention.relative_position_bias_table[attention.relative_position_index]
    bias = table.permute(2, 0, 1)[None]
    mask = block.get_attn_mask(side, side, bias.dtype, bias.device)
    return _Block(
        moved=moved,
        bias=(bias if mask is None else bias + mask[:, None]).contiguous(),
        norm_before=block.layernorm_before,
        qkv=qkv,
        out=block.attention.output.dense,
        norm_after=block.layernorm_after,
        widen=block.intermediate.dense,
        narrow=block.output.dense,
    )


def _by_window(side: int, shift: int = 0) -> Tensor:
    """(side * side,) positions of a square, numbered in raster order, window after window."""
    raster = torch.arange(side * side).view(side, side).roll((-shift, -shift), (0, 1))
    return raster.unfold(0, WINDOW, WINDOW).unfold(1, WINDOW, WINDOW).flatten()


def _corners(order: Tensor, side: int) -> Tensor:
    """(4 * P,): the four neighbours in a square of twice the side that each position came from."""
    row, column = order // side, order % side
    corner = 2 * side * 2 * row + 2 * column
    return torch.stack([corner, corner + 2 * side, corner + 1, corner + 2 * side + 1], 1).flatten()


def _between(before: Tensor, after: Tensor) -> Tensor | None:
    """Where each position of one order stands in another; None: they are the same."""
    return None if torch.equal(before, after) else before.argsort()[after]


def _moved(x: Tensor, order: Tensor | None) -> Tensor:
    """(B * P, width) with the vectors of each clip in another order, from `_between`."""
    if order is None:
        return x
    clips = torch.arange(0, len(x), len(order))
    return x.index_select(0, (clips[:, None] + order).flatten())

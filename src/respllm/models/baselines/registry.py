"""The paper's baselines and fusion ablations by name. A new one is one module, one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import nn

from respllm.errors import ConfigError, unknown_name
from respllm.models.baselines.addition import AdditionFusion
from respllm.models.baselines.concatenation import ConcatenationFusion
from respllm.models.baselines.cross_attention import CrossAttentionFusion
from respllm.models.baselines.hearing import Hearing
from respllm.models.baselines.single import AudioOnly, DmsOnly
from respllm.models.baselines.standardising import Standardise

AudioInput = Literal["pooled", "tokens"]
DmsInput = Literal["hard", "soft"]
Scope = Literal["task", "joint"]


@dataclass(frozen=True, slots=True)
class BaselineSpec:
    """One row of the paper's tables that is not RespLLM.

    Attributes:
        name: registry name.
        scope: "task": one model for each source task; "joint": one for all.
        audio: what it hears, the mean of the 64 tokens or the tokens; None: it does not listen.
        dms: how it reads the DMS; None: it does not.
        fusion: what joins both; None where there is one modality.
    """

    name: str
    scope: Scope
    audio: AudioInput | None
    dms: DmsInput | None
    fusion: Callable[[Hearing, Standardise, int], nn.Module] | None = None


BASELINES: Mapping[str, BaselineSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            BaselineSpec("audio", "task", "pooled", None),
            BaselineSpec("dms-hard", "task", None, "hard"),
            BaselineSpec("dms-soft", "task", None, "soft"),
            BaselineSpec("fusion-hard", "task", "pooled", "hard", ConcatenationFusion),
            BaselineSpec("fusion-soft", "task", "pooled", "soft", ConcatenationFusion),
            BaselineSpec("fusion-concat", "joint", "pooled", "soft", ConcatenationFusion),
            BaselineSpec("fusion-add", "joint", "pooled", "soft", AdditionFusion),
            BaselineSpec("fusion-crossattn", "joint", "tokens", "soft", CrossAttentionFusion),
        )
    }
)


def get_baseline(name: str) -> BaselineSpec:
    """Look a baseline up.

    Raises:
        ConfigError: unknown name.
    """
    if name not in BASELINES:
        raise ConfigError(unknown_name("baseline", name, BASELINES))
    return BASELINES[name]


def build_baseline(
    spec: BaselineSpec,
    hearing: Hearing | None,
    standardise: Standardise | None,
    conditions: int,
    seed: int,
) -> nn.Module:
    """An untrained baseline that maps a `FeatureBatch` to (B, 2) logits.

    Args:
        hearing: of its audio; None if it does not listen.
        standardise: of its DMS vector; None if it reads none.
        conditions: outputs.
        seed: draws the initial weights.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if hearing is None:
            assert standardise is not None
            return DmsOnly(standardise, conditions)
        if standardise is None:
            return AudioOnly(hearing, conditions)
        assert spec.fusion is not None
        return spec.fusion(hearing, standardise, conditions)

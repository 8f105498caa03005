"""What stands in a table of results: RespLLM, the paper's baselines, and the controls it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from respllm.config import RunConfig
from respllm.errors import ConfigError, unknown_name
from respllm.models import PRESETS

Kind = Literal["run", "baseline", "tabular"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a study.

    Attributes:
        name: also of its folder.
        title: as tables print it.
        kind: "run" is trained by `respllm.training.train`, "baseline" by `fit_baseline`, "tabular"
            by scikit-learn.
        scope: "joint" is one model of all tasks, "task" one model for each.
        about: what it is, in one line.
        paper: its name in the paper's tables; "" if the paper does not have it.
        limit_subjects: learned from at most so many people of each task; None: from all.
    """

    name: str
    title: str
    kind: Kind
    scope: Literal["joint", "task"]
    about: str
    paper: str = ""
    limit_subjects: int | None = None

    def config(self, run: RunConfig) -> RunConfig:
        """The run that trains it, from the run that trains RespLLM; only of a "run"."""
        changes = RUN_CHANGES.get(self.name, {})
        model = run.model.model_copy(update=dict(changes))
        limit = self.limit_subjects or run.limit_subjects
        name = f"{run.name}-{self.name}"
        return run.model_copy(update={"name": name, "model": model, "limit_subjects": limit})


RESPLLM = "respllm"
POSTERIOR = "posterior"
BLIND = "-blind"
"""Ending of the published form of a joint fusion: one output, whatever is asked."""

_BASELINES = (
    Entry("audio", "Audio", "baseline", "task", "pooled audio tokens, linear", "Audio"),
    Entry("dms-hard", "DMS-hard", "baseline", "task", "coded DMS, linear", "DMS-hard"),
    Entry("dms-soft", "DMS-soft", "baseline", "task", "text embedding, linear", "DMS-soft"),
    Entry("fusion-hard", "Fusion-hard", "baseline", "task", "audio and coded DMS", "Fusion-hard"),
    Entry(
        "fusion-soft", "Fusion-soft", "baseline", "task", "audio and text embedding", "Fusion-soft"
    ),
)
_ABLATIONS = (
    Entry(
        "fusion-concat",
        "Fusion-concat, joint",
        "baseline",
        "joint",
        "concatenation, one model, an output per question",
        "Fusion-soft (multi-label)",
    ),
    Entry(
        "fusion-add",
        "Fusion-add, joint",
        "baseline",
        "joint",
        "addition, one model, an output per question",
        "Fusion-add",
    ),
    Entry(
        "fusion-crossattn",
        "Fusion-crossattn, joint",
        "baseline",
        "joint",
        "cross-attention, one model, an output per question",
        "Fusion-crossattn",
    ),
)
_BLIND = tuple(
    replace(
        entry,
        name=f"{entry.name}{BLIND}",
        title=f"{entry.title}, task-blind",
        about="as published: one output, whatever is asked",
    )
    for entry in _ABLATIONS
)
_CONTROLS = (
    Entry("respllm-per-task", "RespLLM per task", "run", "task", "does joint tuning help?"),
    Entry("respllm-text", "RespLLM without audio", "run", "joint", "what does the text give?"),
    Entry("respllm-audio", "RespLLM without text", "run", "joint", "what does the audio give?"),
    Entry(
        "respllm-random",
        "RespLLM, random LLM",
        "run",
        "joint",
        "the same architecture without pretraining",
    ),
    Entry("age", "Age alone", "tabular", "joint", "older speaks for 1; nothing is learned"),
    Entry("sex", "Sex alone", "tabular", "joint", "male speaks for 1; nothing is learned"),
    Entry(
        "symptom-count",
        "Symptom count",
        "tabular",
        "joint",
        "more speaks for 1; nothing is learned",
    ),
    Entry("dms-logistic", "DMS, logistic", "tabular", "task", "logistic regression on all fields"),
    Entry("dms-trees", "DMS, trees", "tabular", "task", "gradient-boosted trees on all fields"),
    Entry(
        "recording-logistic",
        "Recording, logistic",
        "tabular",
        "task",
        "rate, bandwidth, loudness, duration, device: no breath is heard",
    ),
    Entry("recording-trees", "Recording, trees", "tabular", "task", "the same by trees"),
    Entry(
        POSTERIOR,
        "Best reachable",
        "tabular",
        "joint",
        "exact posterior of a simulated cohort, given text and sound",
    ),
)
_LLMS = tuple(
    Entry(f"llm-{name}", printed, "run", "joint", f"RespLLM on {name}", printed)
    for name, printed in (
        ("gemma2-2b", "Gemma2-2B"),
        ("phi3.5", "Phi-3.5-4B"),
        ("mistral-7b", "Mistral-7B"),
        ("llama-7b", "LLaMA-7B"),
        ("llama3-8b", "LLaMA3-8B"),
        ("openbiollm-8b", "OpenBioLLM-8B"),
    )
)

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Entry(RESPLLM, "RespLLM", "run", "joint", "one model of all tasks", "RespLLM"),
            *_BASELINES,
            *_ABLATIONS,
            *_BLIND,
            *_CONTROLS,
            *_LLMS,
        )
    }
)

RUN_CHANGES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "respllm-text": {"inputs": "text"},
        "respllm-audio": {"inputs": "audio"},
        "respllm-random": {"random_weights": True},
        **{
            entry.name: {"llm": entry.name.removeprefix("llm-"), "revision": None}
            for entry in _LLMS
        },
    }
)
"""What a run's `model` settings are changed to; nothing for an entry that is not here."""

BASELINE_NAMES = tuple(entry.name for entry in (*_BASELINES, *_ABLATIONS, *_BLIND, *_CONTROLS))
"""What `respllm baselines` runs beside RespLLM."""


def entry(name: str) -> Entry:
    """The entry with this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in ENTRIES:
        raise ConfigError(unknown_name("model", name, ENTRIES), where="a study")
    return ENTRIES[name]


def pointless(name: str, run: RunConfig, simulated: bool) -> str:
    """Why an entry says nothing about a run on simulated or real recordings; "" if it does."""
    if name == POSTERIOR and not simulated:
        return "only of a simulated cohort is the truth known"
    built = run.model.llm in PRESETS and PRESETS[run.model.llm].hub_id is None
    if name == "respllm-random" and built:
        return f"{run.model.llm} begins with random weights: this is RespLLM itself"
    return ""

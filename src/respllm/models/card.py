"""The model card that travels with a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from respllm.config import ModelConfig
from respllm.datasets import DATASETS
from respllm.models.known_task import KnownTask
from respllm.models.llm import PRESETS, shipped_llms


def model_card(
    model: ModelConfig,
    encoder: str,
    tasks: Sequence[KnownTask],
    datasets: Sequence[str],
    simulated: bool,
) -> str:
    """Write a checkpoint's model card: what it is, what it heard, whose terms apply, what for."""
    preset = PRESETS.get(model.llm)
    base = preset.hub_id if preset and preset.hub_id else model.llm
    if Path(base).is_dir():
        base = Path(base).name  # a path says nothing elsewhere
    terms = preset.licence if preset else "see the base model's own card"
    header = "license: apache-2.0" if base == "nano" else f"base_model: {base}"
    if model.llm in shipped_llms():
        terms, header = "research use only, LICENSE-WEIGHTS of respllm", "license: other"
    trained = [task for task in tasks if task.role == "source"]
    tested = [task for task in tasks if task.role == "target"]
    simulation = (
        "\n**Trained on simulated recordings. On real recordings its numbers mean nothing.**\n"
        if simulated
        else ""
    )
    return f"""---
library_name: respllm
tags: [audio, respiratory, multimodal, lora]
{header}
---
# A RespLLM model

Answers yes-or-no questions about respiratory health from a recording and what a person stated
(Zhang et al. 2024, *RespLLM*).
{simulation}
**Research software. Not a medical device: no output is a diagnosis, and none may guide care.**

- Language model: {base} ({_trained(model)});
  terms: {terms}
- Audio encoder: {encoder} (frozen)
- Head: {model.head}

## Trained on
{_table(trained)}
Data:
{_data(datasets, simulated)}

## Tested on without training
{_table(tested)}
## Use
```python
from respllm import Predictor
Predictor.from_pretrained("this folder").predict("cough.wav", task="{trained[0].id}").probability
```

## Limits
A probability for a task of the first table follows the share of positives in that task's training
data. For any other question no share is known, and the probability assumes that of the training as
it was weighted (one half with balanced losses). A question
that is in neither table has never been tested.
"""


def _trained(model: ModelConfig) -> str:
    whole = model.llm == "nano" or model.train == "all"
    return "trained in full" if whole else "frozen, with LoRA adapters"


def _table(tasks: Sequence[KnownTask]) -> str:
    if not tasks:
        return "Nothing.\n"
    rows = [
        f"| {t.id} | {t.dataset} | {t.condition} | {t.sound} "
        f"| {'' if t.prior is None else f'{t.prior:.3f}'} |"
        for t in tasks
    ]
    head = "| task | data | condition | sound | share of positive people |\n|---|---|---|---|---|"
    return "\n".join([head, *rows]) + "\n"


def _data(datasets: Sequence[str], simulated: bool) -> str:
    lines = []
    for name in datasets:
        dataset = DATASETS.get(name)
        if dataset is None:
            lines.append(f"- {name}: an own table")
        elif simulated:
            lines.append(f"- {dataset.title}: simulated in its layout")
        else:
            lines.append(f"- {dataset.title}. {dataset.citation} Licence: {dataset.licence}")
    return "\n".join(lines)

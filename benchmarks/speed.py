"""Our training step and prediction against the plain recipe, in one process and one run.

    python benchmarks/speed.py [--quick] [--json]

Same model (a random Llama of width 512 with 8 layers, LoRA on query and value), same samples
(prompt 81 tokens, DMS 20 to 70, mean about 40), same order. Audio tokens are warm in our case: they
are computed once in a training of many epochs. Rounds alternate, so a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import nn
from transformers import ClapAudioConfig, LlamaConfig, LlamaModel

from plain import Sample, plain_logits
from respllm.batching import Batch
from respllm.config import LoraSettings, ModelConfig
from respllm.encoders import AudioEncoder
from respllm.models import RespLLM, assemble
from respllm.models.llm import add_lora

BATCH = 16
PROMPT = 81
TASKS = 7


class RandomHtsAt(AudioEncoder):
    """OPERA-CT's network with random weights: as fast as the real one."""

    name, identity, width = "random-htsat", "random-htsat", 768

    def __init__(self) -> None:
        super().__init__()
        from transformers import ClapAudioModel

        self.network = ClapAudioModel(ClapAudioConfig())
        self.freeze()

    def _encode(self, mel: torch.Tensor) -> torch.Tensor:
        return self.network(mel[:, None]).last_hidden_state.flatten(2).transpose(1, 2)


def make_model() -> RespLLM:
    torch.manual_seed(0)
    llm = LlamaModel(
        LlamaConfig(
            vocab_size=32_000,
            hidden_size=512,
            intermediate_size=1376,
            num_hidden_layers=8,
            num_attention_heads=8,
            num_key_value_heads=8,
        )
    ).requires_grad_(False)
    model = assemble(add_lora(llm, LoraSettings(), 0), ModelConfig(llm="-/-"), 768, 0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:  # adapters begin as no change: give them an effect
                parameter.normal_(std=0.02)
    return model


def make_samples(count: int) -> list[Sample]:
    draw = random.Random(0)
    numbers = torch.Generator().manual_seed(0)
    prompts = [[draw.randrange(32_000) for _ in range(PROMPT)] for _ in range(TASKS)]
    return [
        Sample(
            prompts[draw.randrange(TASKS)],
            [draw.randrange(32_000) for _ in range(round(draw.triangular(20, 70, 30)))],
            torch.rand(256, 64, generator=numbers),
            draw.randrange(2),
        )
        for _ in range(count)
    ]


def collate(samples: list[Sample], tokens: torch.Tensor) -> Batch:
    prompts = sorted({tuple(s.prompt) for s in samples})
    longest = max(len(s.dms) for s in samples)
    return Batch(
        prompt_ids=torch.tensor(prompts),
        prompt_lengths=torch.full((len(prompts),), PROMPT),
        prompt_of=torch.tensor([prompts.index(tuple(s.prompt)) for s in samples]),
        dms_ids=torch.tensor([s.dms + [0] * (longest - len(s.dms)) for s in samples]),
        dms_lengths=torch.tensor([len(s.dms) for s in samples]),
        audio=tokens,
        labels=torch.tensor([s.label for s in samples]),
        weights=torch.ones(len(samples)),
    )


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def matmul_gflops(dtype: torch.dtype) -> float:
    a = torch.randn(2048, 2048).to(dtype)
    a @ a
    return 2 * 2048**3 / min(seconds(lambda: a @ a) for _ in range(5)) / 1e9


def measure(rounds: int) -> dict[str, object]:
    model, encoder = make_model(), RandomHtsAt()
    samples = make_samples(BATCH * rounds)
    batches = [samples[i : i + BATCH] for i in range(0, len(samples), BATCH)]
    kept = [encoder.tokens(torch.stack([s.mel for s in batch])) for batch in batches]
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5)
    bf16 = bool(torch.cpu._is_avx512_bf16_supported())

    def learn(logits: torch.Tensor, batch: list[Sample]) -> None:
        labels = torch.tensor([s.label for s in batch])
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    def ours(number: int, fast: bool) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            return model(collate(batches[number], kept[number]))

    def plain(number: int) -> torch.Tensor:
        return plain_logits(model, encoder, batches[number])

    with torch.inference_mode():
        difference = max(
            float((ours(n, False) - plain(n)).abs().max()) for n in range(min(3, rounds))
        )
    times: dict[str, list[float]] = {}
    for n in range(rounds):
        batch = batches[n]
        steps: dict[str, Callable[[], object]] = {
            "train plain": lambda n=n, batch=batch: learn(plain(n), batch),
            "train float32": lambda n=n, batch=batch: learn(ours(n, False), batch),
            "predict plain": lambda n=n: torch.no_grad()(plain)(n),
            "predict float32": lambda n=n: torch.no_grad()(ours)(n, False),
        }
        if bf16:
            steps["train bf16"] = lambda n=n, batch=batch: learn(ours(n, True), batch)
            steps["predict bf16"] = lambda n=n: torch.no_grad()(ours)(n, True)
        for name, step in steps.items():
            times.setdefault(name, []).append(seconds(step))
    # The first round warms up.
    speed = {name: BATCH / median(found[1:] or found) for name, found in times.items()}
    lengths = [len(s.dms) for s in samples]
    prompts = np.mean([len({tuple(s.prompt) for s in batch}) for batch in batches])
    return {
        "samples per second": {name: round(value, 2) for name, value in speed.items()},
        "times the plain recipe": {
            name: round(value / speed[f"{name.split()[0]} plain"], 2)
            for name, value in speed.items()
            if "plain" not in name
        },
        "positions per sample": {
            "plain": PROMPT
            + 64
            + float(np.mean([max(lengths[i : i + BATCH]) for i in range(0, len(lengths), BATCH)])),
            "ours": 64 + float(np.mean(lengths)) + PROMPT * float(prompts) / BATCH,
        },
        "largest difference of a float32 logit": difference,
        "matmul GFLOP/s": {
            "float32": round(matmul_gflops(torch.float32)),
            "bfloat16": round(matmul_gflops(torch.bfloat16)),
        },
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two rounds instead of eight")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(2 if options.quick else 8)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name}:")
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for key, number in rows:
            print(f"  {key:16} {number}")


if __name__ == "__main__":
    main()

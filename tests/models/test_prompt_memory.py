"""A memory of prompts may be shared by threads, stays bounded, and is for inference only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from respllm.batching import Batch
from respllm.config import LoraSettings, ModelConfig
from respllm.models import PromptMemory, RespLLM, assemble, load_llm
from respllm.models.prompt_memory import MOST
from tests.models.conftest import write_tiny_llm

WIDTH = 24


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RespLLM:
    folder: Path = write_tiny_llm(tmp_path_factory.mktemp("memory") / "llama", "llama")
    config = ModelConfig(llm=str(folder), lora=LoraSettings(r=4))
    return assemble(load_llm(config, 1).model, config, WIDTH, 1).eval()


def asked(prompts: list[int]) -> Batch:
    """One example per prompt; a prompt's number is all of its text."""
    draw = torch.Generator().manual_seed(0)
    return Batch(
        prompt_ids=torch.tensor([[1 + p, 2 + p, 3 + p, 5] for p in prompts]),
        prompt_lengths=torch.full((len(prompts),), 4),
        prompt_of=torch.arange(len(prompts)),
        dms_ids=torch.tensor([[7, 8]] * len(prompts)),
        dms_lengths=torch.full((len(prompts),), 2),
        audio=torch.randn(1, 64, WIDTH, generator=draw).expand(len(prompts), -1, -1),
        labels=torch.zeros(len(prompts), dtype=torch.int64),
        weights=torch.ones(len(prompts)),
    )


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads that give way at every chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_threads_share_it(model: RespLLM, impatient: None) -> None:
    prompts = list(range(100))
    with torch.inference_mode():
        expected = {p: model(asked([p])) for p in prompts}
    memory = PromptMemory()

    def ask(prompt: int) -> bool:
        with torch.inference_mode():
            return torch.allclose(model(asked([prompt]), memory), expected[prompt], atol=1e-5)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, prompts * 3))


def test_it_stays_bounded_but_holds_all_of_a_batch(model: RespLLM) -> None:
    memory = PromptMemory()
    with torch.inference_mode():
        for first in range(0, 2 * MOST, 16):
            model(asked(list(range(first, first + 16))), memory)
            assert len(memory.kept.rows) <= MOST
        many = list(range(MOST + 5))
        torch.testing.assert_close(
            model(asked(many), memory), model(asked(many)), atol=1e-5, rtol=0
        )
        assert len(memory.kept.rows) == MOST + 5
        model(asked([500]), memory)
        assert len(memory.kept.rows) == 1


def test_it_is_for_inference_only(model: RespLLM) -> None:
    with pytest.raises(AssertionError, match="no gradient"):
        model(asked([1]), PromptMemory())

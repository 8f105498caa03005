"""The GPU benchmark in miniature, on a processor."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from respllm.batching import LabelledBatch
from respllm.benchmarks import gpu, gpu_model
from respllm.benchmarks.gpu import measure_gpu
from respllm.benchmarks.gpu_model import matrix_parameters
from respllm.benchmarks.gpu_results import LLAMA3_8B, MINIATURE, TINY
from respllm.errors import RespllmError
from respllm.models import RespLLM

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
BRIEF = replace(MINIATURE, steps=1)


def test_everything_is_measured_but_what_needs_a_gpu() -> None:
    result = measure_gpu(BRIEF, "cpu")
    (row,) = result.rows
    assert result.left_out == ("nf4: needs an NVIDIA GPU",)
    assert (row.weights, row.micro_batch) == ("bfloat16", 16)
    assert row.training_bytes is None
    # 64 audio positions, the texts' own, and a share of the prompts.
    assert 64 < row.asked_positions < row.positions < 64 + 81 + 70
    flops = 4 * result.matrix_parameters * row.positions_a_second
    assert row.peak_share == pytest.approx(flops / result.matrix_peak)
    flops = 2 * result.matrix_parameters * row.asked_positions * row.asked
    assert row.asked_peak_share == pytest.approx(flops / result.matrix_peak)
    assert row.schedule_seconds == pytest.approx(
        3 * 10_900 / row.samples + 3 * 3_633 / row.validated
    )


def test_the_large_model_has_the_shape_of_llama_3_8b() -> None:
    # Attention 4096 x (4096 + 1024 + 1024 + 4096), feed-forward 3 x 4096 x 14336, 32 times.
    assert matrix_parameters(LLAMA3_8B) == 32 * (4096 * 10_240 + 3 * 4096 * 14_336)


def test_weights_are_made_in_bfloat16_and_only_the_rest_is_trained() -> None:
    model = gpu.random_model(TINY, "bfloat16", CPU)
    assert torch.get_default_dtype() == torch.float32
    assert len(model.llm.layers) == model.llm.config.num_hidden_layers == TINY.layers
    for name, parameter in model.named_parameters():
        trained = "lora_" in name or name.startswith(("projector.", "head."))
        assert parameter.requires_grad == trained, name
        assert parameter.dtype == (torch.float32 if trained else torch.bfloat16), name
    assert model.llm.rotary_emb.inv_freq.dtype == torch.float32
    counted = sum(
        p.numel() for n, p in model.llm.layers.named_parameters() if p.ndim == 2 and "lora" not in n
    )
    assert matrix_parameters(TINY) == counted


@pytest.mark.parametrize("fits", [16, 4, 1])
def test_as_many_examples_at_once_as_fit(monkeypatch: pytest.MonkeyPatch, fits: int) -> None:
    whole = RespLLM.forward

    def forward(self: RespLLM, batch: Any, *memory: Any) -> torch.Tensor:
        if self.training and len(batch) > fits:
            raise torch.OutOfMemoryError
        return whole(self, batch, *memory)

    monkeypatch.setattr(RespLLM, "forward", forward)
    (row,) = measure_gpu(BRIEF, "cpu").rows
    assert row.micro_batch == fits


def test_weights_that_do_not_fit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self: RespLLM, batch: LabelledBatch, *memory: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(RespLLM, "forward", forward)
    result = measure_gpu(BRIEF, "cpu")
    assert result.rows == ()
    assert result.left_out[0] == "bfloat16: the GPU's memory does not hold it"


def test_every_matrix_of_a_layer_is_packed_in_nf4(monkeypatch: pytest.MonkeyPatch) -> None:
    class Params4bit(nn.Parameter):
        def __new__(cls, data: torch.Tensor, requires_grad: bool, **how: Any) -> Any:
            made = torch.Tensor._make_subclass(cls, data, requires_grad)
            made.how = how
            return made

        def to(self, device: torch.device) -> Any:
            self.packed_on = device
            return self

    class Linear4bit(nn.Linear):
        def __init__(self, inner: int, outer: int, bias: bool, device: str, **how: Any) -> None:
            super().__init__(inner, outer, bias, device)
            self.how = how

    module: Any = ModuleType("bitsandbytes.nn")
    module.Linear4bit, module.Params4bit = Linear4bit, Params4bit
    monkeypatch.setitem(sys.modules, "bitsandbytes", ModuleType("bitsandbytes"))
    monkeypatch.setitem(sys.modules, "bitsandbytes.nn", module)
    layer = gpu_model.LlamaDecoderLayer(TINY.config(), 0)
    before = {n: m.weight.data.clone() for n, m in layer.named_modules() if type(m) is nn.Linear}
    after = dict(gpu_model._in_four_bits(layer).named_modules())
    assert len(before) == 7
    for name, weight in before.items():
        packed: Any = after[name]
        assert type(packed) is Linear4bit
        assert torch.equal(packed.weight.data, weight)
        assert packed.weight.packed_on == CPU
        assert packed.weight.how["quant_type"] == packed.how["quant_type"] == "nf4"
        assert packed.weight.how["compress_statistics"]
        assert packed.how["compute_dtype"] == torch.bfloat16


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_without_a_gpu_the_script_says_what_to_do() -> None:
    with pytest.raises(RespllmError, match="No NVIDIA GPU"):
        measure_gpu(MINIATURE)


def test_the_script_prints_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = str(ROOT / "benchmarks/gpu.py")
    for more in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", [script, "--size", "tiny", "--device", "cpu", *more])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(script, run_name="__main__")
        assert end.value.code == 0
        printed = capsys.readouterr().out
        if more:
            (row,) = json.loads(printed)["rows"]
            assert row["schedule_seconds"] > 0
        else:
            assert "the paper's schedule" in printed
            assert "not measured - nf4: needs an NVIDIA GPU" in printed


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_in_miniature_on_a_gpu() -> None:
    result = measure_gpu(BRIEF, "cuda")
    assert result.rows[0].training_bytes

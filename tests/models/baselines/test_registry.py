"""Every baseline: shapes, what is trained, no batch-mate matters, seeds, the paper's names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from respllm.batching import FeatureBatch
from respllm.encoders import load_encoder
from respllm.errors import ConfigError
from respllm.models.baselines import (
    BASELINES,
    BaselineSpec,
    Hearing,
    Standardise,
    build_baseline,
    get_baseline,
)
from tests.models.baselines.making import TinyHtsat

AUDIO, TEXT, CONDITIONS = 12, 16, 3


def scale(width: int) -> Standardise:
    random = np.random.default_rng(width)
    return Standardise(random.standard_normal(width), 1 + random.random(width))


def build(spec: BaselineSpec, seed: int = 0, fine_tuned: bool = False) -> nn.Module:
    hearing, dms = None, None
    if spec.audio is not None:
        encoder = TinyHtsat().trainable_copy() if fine_tuned else None
        hearing = Hearing(scale(64 if fine_tuned else AUDIO), encoder, spec.audio == "pooled")
    if spec.dms is not None:
        dms = scale(TEXT)
    model = build_baseline(spec, hearing, dms, CONDITIONS, seed)
    torch.manual_seed(7)
    for name, parameter in model.named_parameters():
        if "readout" in name:  # they start from zeros
            nn.init.normal_(parameter)
    return model


def batch(spec: BaselineSpec, size: int = 5, fine_tuned: bool = False) -> FeatureBatch:
    generator = torch.Generator().manual_seed(3)
    shape: tuple[int, ...] = (64, AUDIO) if spec.audio == "tokens" else (AUDIO,)
    if spec.audio is None:
        shape = (0,)
    elif fine_tuned:
        shape = (256, 64)
    return FeatureBatch(
        torch.rand(size, *shape, generator=generator),
        torch.rand(size, TEXT if spec.dms else 0, generator=generator),
        torch.arange(size) % CONDITIONS,
        torch.arange(size) % 2,
        torch.ones(size),
    )


def some(whole: FeatureBatch, rows: list[int]) -> FeatureBatch:
    return FeatureBatch(
        whole.audio[rows],
        whole.dms[rows],
        whole.condition[rows],
        whole.labels[rows],
        whole.weights[rows],
    )


every_baseline = pytest.mark.parametrize("spec", BASELINES.values(), ids=BASELINES)


@every_baseline
def test_logits_have_their_shape_and_every_weight_gets_a_gradient(spec: BaselineSpec) -> None:
    model, read = build(spec), batch(spec)
    logits = model.train()(read)
    assert logits.shape == (5, 2)
    nn.functional.cross_entropy(logits, read.labels).backward()
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad, name
        assert parameter.grad is not None, name


@every_baseline
def test_no_batch_mate_and_no_order_matters(spec: BaselineSpec) -> None:
    model, read = build(spec).eval(), batch(spec)
    whole = model(read)
    assert torch.allclose(model(some(read, [3])), whole[[3]], atol=1e-6)
    assert torch.allclose(model(some(read, [4, 0, 2])), whole[[4, 0, 2]], atol=1e-6)


@every_baseline
def test_the_condition_decides_which_output_is_read(spec: BaselineSpec) -> None:
    model = build(spec).eval()
    read = some(batch(spec), [0, 0, 0])
    asked = FeatureBatch(read.audio, read.dms, torch.arange(3), read.labels, read.weights)
    logits = model(asked)
    assert len({tuple(row) for row in logits.tolist()}) == 3
    assert len({tuple(row) for row in model(read).tolist()}) == 1


@every_baseline
def test_the_seed_decides_the_start_and_nothing_outside_is_disturbed(spec: BaselineSpec) -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    hearing = Hearing(scale(AUDIO), None, spec.audio == "pooled") if spec.audio else None
    dms = scale(TEXT) if spec.dms else None
    first, again, other = (build_baseline(spec, hearing, dms, 2, s).state_dict() for s in (0, 0, 1))
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    # Linear readouts start from zeros: what is drawn are the layers before them.
    drawn = {"fusion-add": "projector.weight", "fusion-crossattn": "attention.k_proj_weight"}
    if spec.name in drawn:
        assert not torch.equal(first[drawn[spec.name]], other[drawn[spec.name]])


@every_baseline
def test_before_training_everybody_gets_the_same_answer(spec: BaselineSpec) -> None:
    hearing = Hearing(scale(AUDIO), None, spec.audio == "pooled") if spec.audio else None
    model = build_baseline(spec, hearing, scale(TEXT) if spec.dms else None, CONDITIONS, 0)
    assert torch.equal(model.eval()(batch(spec)), torch.zeros(5, 2))


@pytest.mark.parametrize("name", ["fusion-hard", "fusion-concat"])
def test_a_training_batch_of_one_is_no_crash(name: str) -> None:
    spec = BASELINES[name]
    model = build(spec).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    alone = model(batch(spec, 1))
    assert torch.allclose(alone, model.eval()(batch(spec, 1)))
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("name", ["audio", "fusion-soft", "fusion-crossattn"])
def test_a_fine_tuned_encoder_is_trained_whole(name: str) -> None:
    spec = BASELINES[name]
    model, read = build(spec, fine_tuned=True), batch(spec, 3, fine_tuned=True)
    nn.functional.cross_entropy(model.train()(read), read.labels).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        # A bias of the keys shifts all scores of a query alike: its gradient is rounding.
        if not parameter_name.endswith("key.bias"):
            assert parameter.grad.abs().sum() > 0, parameter_name
    with torch.no_grad():
        model.eval()
        assert torch.allclose(model(some(read, [1])), model(read)[[1]], atol=1e-5)


def test_a_trained_copy_starts_as_the_encoder_and_leaves_it_alone() -> None:
    encoder = TinyHtsat()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    copy = encoder.trainable_copy()
    mel = torch.rand(2, 256, 64)
    copy.train()
    torch.testing.assert_close(copy(mel), encoder.tokens(mel), atol=1e-5, rtol=0)
    optimizer = torch.optim.SGD(copy.parameters(), lr=0.1)
    copy(mel).square().mean().backward()
    optimizer.step()
    assert not torch.allclose(copy(mel), encoder.tokens(mel))
    assert all(torch.equal(before[k], v) for k, v in encoder.state_dict().items())
    assert not any(p.requires_grad or p.grad is not None for p in encoder.parameters())
    # Batch norm's statistics are the checkpoint's, also in the copy.
    for name, value in copy.encoder.state_dict().items():
        if "running" in name or "num_batches" in name:
            assert torch.equal(value, before[name]), name


def test_an_encoder_without_weights_cannot_be_trained() -> None:
    encoder = load_encoder("mel-patch")
    assert not encoder.has_weights
    with pytest.raises(ConfigError, match="has no weights to train"):
        encoder.trainable_copy()


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'fusion-soft'"):
        get_baseline("fusion-sotf")


def test_eight_heads_need_a_width_they_can_share() -> None:
    spec = BASELINES["fusion-crossattn"]
    with pytest.raises(ConfigError, match="8 heads cannot share"):
        build_baseline(spec, Hearing(scale(AUDIO), None, False), scale(12), 1, 0)

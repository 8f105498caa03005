from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from respllm.encoders.architectures import ARCHITECTURES
from respllm.encoders.pretrained import new_network
from respllm.pretraining.audio.objectives import Pretrainer
from respllm.pretraining.audio.settings import Objectives
from respllm.pretraining.audio.views import ViewBatch, patches

SMALL = ARCHITECTURES["htsat-small"]


def model(**weights: float) -> Pretrainer:
    objectives = Objectives(**{"contrastive": 0, "reconstruction": 0, "description": 0} | weights)
    found = Pretrainer(new_network(SMALL, 0), SMALL, objectives, 0)
    found.set_scale([batch()])
    return found.eval()


def batch(size: int = 3) -> ViewBatch:
    generator = torch.Generator().manual_seed(0)
    whole = torch.rand((size, 256, 64), generator=generator)
    return ViewBatch(
        mel=torch.cat([whole, torch.rand((size, 256, 64), generator=generator)]),
        whole=whole,
        hidden=torch.rand((size, 64), generator=generator) < 0.4,
        told=torch.rand((2 * size, 64, 64), generator=generator),
        same=torch.eye(size, dtype=torch.bool),
    )


@pytest.mark.parametrize("name", ["contrastive", "reconstruction", "description"])
def test_an_objective_alone_reaches_the_network(name: str) -> None:
    one = model(**{name: 2.0})
    outcome = one(batch())
    only = getattr(outcome, name)
    assert outcome.loss.item() == pytest.approx(2 * only.item(), rel=1e-5)
    others = {"contrastive", "reconstruction", "description"} - {name}
    assert all(getattr(outcome, other) is None for other in others)
    outcome.loss.backward()
    gradient = one.network.audio_encoder.patch_embed.proj.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0


def test_recordings_of_one_person_are_no_negatives() -> None:
    one, views = model(contrastive=1.0), batch()
    everybody = replace(views, same=torch.ones(3, 3, dtype=torch.bool))
    with torch.no_grad():
        assert one(views).contrastive.item() > 0.1
        assert one(everybody).contrastive.item() == pytest.approx(0, abs=1e-6)


def test_only_hidden_patches_are_filled_in() -> None:
    one, views = model(reconstruction=1.0), batch()
    with torch.no_grad():
        before = one(views).reconstruction.item()
        seen = views.whole.clone()
        assert views.hidden.any()
        cells = torch.arange(3 * 256 * 64).view(3, 256, 64)
        seen.flatten()[patches(cells, SMALL)[~views.hidden].flatten()] += 5
        assert one(replace(views, whole=seen)).reconstruction.item() == pytest.approx(before)


def test_descriptions_are_told_token_by_token() -> None:
    one, views = model(description=1.0), batch()
    with torch.no_grad():
        one.tell.weight.zero_()
        one.tell.bias.copy_(torch.zeros(64))
        expected = ((views.told - views.told.mean((0, 1))) / views.told.std((0, 1))).square().mean()
        assert one(views).description.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_views_loss_does_not_depend_on_its_mates() -> None:
    one, views = model(reconstruction=1.0).train(), batch()
    with torch.no_grad():
        both = one(views).reconstruction
        other = replace(views, mel=torch.cat([views.mel[:3], torch.zeros(3, 256, 64)]))
        assert torch.allclose(one(other).reconstruction, both)

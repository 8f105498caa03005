from __future__ import annotations

import numpy as np
import pytest
import torch

from respllm.encoders.architectures import ARCHITECTURES
from respllm.pretraining.audio import views as views_module
from respllm.pretraining.audio.spectrograms import Heard, Spectrograms
from respllm.pretraining.audio.views import Views, patches
from tests.pretraining.audio.making import levels, settings

SMALL = ARCHITECTURES["htsat-small"]


@pytest.fixture(scope="module")
def spectrograms(tmp_path_factory: pytest.TempPathFactory) -> Spectrograms:
    """Four people of one source, one of them with nine recordings; two of another."""
    path = tmp_path_factory.mktemp("views") / "levels.f16"
    owners = [("a", "a/0")] * 9 + [("a", f"a/{n}") for n in (1, 2, 3)]
    owners += [("b", "b/0"), ("b", "b/1")]
    parts = [levels(50, seed) + 5 * seed for seed in range(len(owners))]
    path.write_bytes(b"".join(part.astype(np.float16).tobytes() for part in parts))
    heard = [Heard(*owner, 50 * n, 50 * n + 50) for n, owner in enumerate(owners)]
    return Spectrograms(path, heard, 0)


def views(spectrograms: Spectrograms, size: int = 4, **people: frozenset[str]) -> Views:
    everybody = {
        source: frozenset(h.subject for h in spectrograms.heard if h.source == source)
        for source in ("a", "b")
    }
    return Views(spectrograms, everybody | people, settings(batch_size=size), SMALL)


def test_a_step_is_always_the_same(spectrograms: Spectrograms) -> None:
    first, again, other = (views(spectrograms).batch(0, 1, step) for step in (5, 5, 6))
    assert torch.equal(first.mel, again.mel)
    assert torch.equal(first.told, again.told)
    assert not torch.equal(first.mel, other.mel)


def test_whoever_was_recorded_often_is_not_heard_more_often(spectrograms: Spectrograms) -> None:
    nobody = frozenset[str]()
    batch = views(spectrograms, 4, b=nobody).batch(0, 1, 0)
    assert torch.equal(batch.same, torch.eye(4, dtype=torch.bool))


def test_recordings_of_one_person_are_marked(spectrograms: Spectrograms) -> None:
    nobody = frozenset[str]()
    batch = views(spectrograms, 4, a=nobody).batch(0, 1, 0)  # two people, four recordings
    assert batch.same.sum(dim=1).tolist() == [2, 2, 2, 2]


def test_both_views_are_of_one_recording(
    spectrograms: Spectrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    some, taken = views(spectrograms), []
    levels_of = spectrograms.levels
    monkeypatch.setattr(
        Spectrograms, "levels", lambda self, one: taken.append(one) or levels_of(one)
    )
    viewed: list[int] = []
    make = views_module.make_view
    monkeypatch.setattr(
        views_module, "make_view", lambda *given: viewed.append(id(given[0])) or make(*given)
    )
    for step in range(5):
        some.batch(0, 1, step)
    assert len(viewed) == 2 * len(taken)


def test_shapes_and_hidden_patches(spectrograms: Spectrograms) -> None:
    batch = views(spectrograms).batch(0, 1, 0)
    assert batch.mel.shape == (8, 256, 64)
    assert batch.told.shape == (8, 64, 64)
    assert batch.hidden.shape == (4, 64)
    changed = (batch.mel[:4] != batch.whole).float()
    share = patches(changed, SMALL).mean(dim=2)
    assert torch.equal(share > 0.5, batch.hidden)
    assert not share[~batch.hidden].any()

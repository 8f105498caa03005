"""The saved state comes back as it was, or is refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from respllm.errors import CheckpointError
from respllm.training.state import Progress, load_state, save_state

PROGRESS = Progress(step=7, best=0.75, best_step=5, waited=1, aurocs={"S7": 0.75})


def saved(folder: Path) -> Path:
    path = folder / "state" / "last.pt"
    weight = torch.nn.Parameter(torch.arange(3.0))
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    save_state(path, PROGRESS, {"w": weight.detach()}, optimizer.state_dict())
    return path


def test_the_round_trip_is_exact(tmp_path: Path) -> None:
    progress, weights, optimizer = load_state(saved(tmp_path))
    assert progress == PROGRESS
    assert weights["w"].shape == (3,)
    assert optimizer["state"][0]["exp_avg"].tolist() == pytest.approx([0.1] * 3)


def test_a_half_written_state_is_never_the_state(tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.with_name("last.pt.new").write_bytes(path.read_bytes()[:50])
    assert load_state(path)[0] == PROGRESS
    assert [p.name for p in saved(tmp_path).parent.iterdir()] == ["last.pt"]


def test_every_flipped_or_missing_byte_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole, chance = path.read_bytes(), random.Random(0)
    damaged = [whole[: chance.randrange(len(whole))] for _ in range(50)]
    for _ in range(250):
        content = bytearray(whole)
        content[chance.randrange(len(whole))] ^= chance.randrange(1, 256)
        damaged.append(bytes(content))
    for one in damaged:
        path.write_bytes(one)
        with pytest.raises(CheckpointError, match=r"saved state is damaged"):
            load_state(path)
    path.write_bytes(whole)
    assert load_state(path)[0] == PROGRESS


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "other", "gone"])
def test_a_damaged_state_is_refused(tmp_path: Path, damage: str) -> None:
    path = saved(tmp_path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("not a state")
    elif damage == "other":
        torch.save({"progress": {"stp": 1}, "weights": {}, "optimizer": {}}, path)
    else:
        path.unlink()
    with pytest.raises(CheckpointError, match=r"saved state is damaged.*delete"):
        load_state(path)

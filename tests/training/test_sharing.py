"""Processes that share a training stop, or begin a step again, together."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What became of each training in both processes."""
    out = tmp_path_factory.mktemp("shared")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    launch += ["--master_port", str(port), "-m", "tests.training.sharing", str(out)]
    # One that waits for the other in vain would wait for ever.
    subprocess.run(
        launch, cwd=REPOSITORY, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, timeout=120
    )
    names = ("whole", "memory", "asked", "nothing", "diverged")
    return {
        name: [json.loads((out / f"{name}-{rank}.json").read_text()) for rank in (0, 1)]
        for name in names
    }


def test_both_compute_less_at_once_when_one_is_out_of_memory(ends: Any) -> None:
    for rank in (0, 1):
        assert ends["memory"][rank]["halved"] == [[1, 2]]
        assert ends["memory"][rank]["weights"] == ends["asked"][rank]["weights"]
        assert ends["memory"][rank]["losses"] == ends["asked"][rank]["losses"]
    assert ends["memory"][0] == ends["memory"][1]
    assert ends["asked"][0]["losses"] == pytest.approx(ends["whole"][0]["losses"], rel=1e-5)


def test_both_stop_when_one_has_no_room_for_one_example(ends: Any) -> None:
    for end in ends["nothing"]:
        assert "does not hold one example at step 1" in end["error"]
        assert end["losses"] == []


def test_both_stop_with_the_step_and_the_records_when_one_diverges(ends: Any) -> None:
    first, second = ends["diverged"]
    assert "The loss is nan at step 5" in first["error"]
    assert "records d/r" in first["error"]
    assert first == second, "weights and message"
    assert len(first["losses"]) == 4

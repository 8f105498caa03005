"""Real processes: killed without warning, and several that share one training."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from respllm.config import EncoderConfig, ModelConfig, RunConfig, TaskLists, TrainingConfig

pytestmark = pytest.mark.slow

TRAIN = [sys.executable, "-m", "respllm", "train"]


def write_run(folder: Path, **settings: object) -> Path:
    config = RunConfig(
        encoder=EncoderConfig(name="mel-patch"),
        model=ModelConfig(llm="nano"),
        name="run",
        tasks=TaskLists(train=("S7", "S6")),
        training=TrainingConfig(batch_size=8, learning_rate=1e-3, **settings),
    )
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return path


def arguments(run: Path, data: Path, out: Path) -> list[str]:
    return [str(run), "--data-root", str(data), "--out", str(out), "--no-test", "--json"]


def environment() -> dict[str, str]:
    """One thread for each process: with few cores they would wait for each other's threads."""
    return os.environ | {"OMP_NUM_THREADS": "1"}


def train(*command: str) -> None:
    subprocess.run([*TRAIN, *command], env=environment(), stdout=subprocess.DEVNULL, check=True)


def weights_of(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_a_run_killed_at_random_moments_ends_with_the_same_weights(
    small_cohort: Path, tmp_path: Path
) -> None:
    run = write_run(tmp_path, epochs=10, evaluations_per_epoch=4, patience=None)
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "killed"
    train(*arguments(run, small_cohort, undisturbed))
    seed = random.randrange(10**6)
    print("seed of the kills:", seed)
    chance = random.Random(seed)
    killed_at = []
    for wanted in (0, 6, 20):
        metrics = out / "metrics.jsonl"
        command = [*TRAIN, *arguments(run, small_cohort, out), "--resume"]
        with subprocess.Popen(command, env=environment()) as process:
            while process.poll() is None and _lines(metrics) < wanted:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 5 if wanted == 0 else 0.3))
            process.send_signal(signal.SIGKILL)
        killed_at.append(_lines(metrics))
    print("validations before each kill:", killed_at)
    assert killed_at[-1] >= 20, "it must have been killed while it was training"
    record = out / "run.json"
    assert json.loads(record.read_text())["finished"] is False
    train(*arguments(run, small_cohort, out), "--resume")
    assert weights_of(out) == weights_of(undisturbed)
    ends = [json.loads((run / "run.json").read_text()) for run in (out, undisturbed)]
    assert ends[0]["steps"] == ends[1]["steps"]
    assert ends[0]["validation_auroc"] == ends[1]["validation_auroc"]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_two_processes_learn_what_one_would(small_cohort: Path, tmp_path: Path) -> None:
    """The last batches are odd, so one process has an example more than the other."""
    run = write_run(tmp_path, epochs=2, micro_batch_size=3)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # What `accelerate launch` starts for several processes; on a CPU it would start one.
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    launch += ["--master_port", str(port), "-m", "respllm", "train"]
    two, one = tmp_path / "two", tmp_path / "one"
    done = subprocess.run(
        [*launch, *arguments(run, small_cohort, two)],
        # An empty cache, which both fill at once.
        env=environment() | {"RESPLLM_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    train(*arguments(run, small_cohort, one))
    summary = json.loads(done.stdout)["training"]
    assert json.loads((two / "run.json").read_text())["processes"] == 2
    assert summary["steps"] == json.loads((one / "run.json").read_text())["steps"]
    assert {p.name for p in two.iterdir()} == {p.name for p in one.iterdir()}
    assert len(list((two / "tensorboard").iterdir())) == 1, "one process writes"
    first = load_file(one / "model" / "model.safetensors")
    second = load_file(two / "model" / "model.safetensors")
    assert first.keys() == second.keys()
    for name, weight in first.items():
        assert float((weight - second[name]).abs().max()) < 1e-4, name

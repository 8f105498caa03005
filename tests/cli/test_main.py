"""The command itself: quick to start, one line for what a user can mend."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from respllm.cli import main as main_module
from tests.cli.conftest import Run

VERBS = (
    *("demo", "data", "simulate", "train", "evaluate", "predict", "serve"),
    *("pretrain", "probe", "cache", "doctor"),
)


def test_help_is_quick_and_loads_no_torch() -> None:
    code = (
        "import sys, time; begun = time.perf_counter(); sys.argv = ['respllm', '--help']\n"
        "from respllm.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(time.perf_counter() - begun)\n"
        "heavy = {'torch', 'transformers', 'peft', 'accelerate', 'librosa', 'sklearn', 'scipy',\n"
        "    'numpy', 'pandas', 'pydantic', 'tensorboard', 'av', 'soundfile'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    seconds = []
    for _ in range(3):  # other programs may hold one start up
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        *text, took, heavy = done.stdout.splitlines()
        assert heavy == "[]"
        assert all(verb in "\n".join(text) for verb in VERBS)
        seconds.append(float(took))
        if seconds[-1] < 1:
            break
    assert min(seconds) < 1


def test_the_package_itself_loads_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import respllm\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'respllm'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("verb", [*VERBS, "data list", "data verify"])
def test_every_verb_explains_itself(respllm: Run, verb: str) -> None:
    outcome = respllm(*verb.split(), "--help")
    assert outcome.code == 0
    assert "Usage" in outcome.out


def test_without_a_verb_it_shows_its_help(respllm: Run) -> None:
    outcome = respllm()
    assert "Usage" in outcome.out + outcome.err
    assert "train" in outcome.out + outcome.err


@pytest.mark.parametrize("arguments", [["trian"], ["train", "--epochs", "3"], ["train"]])
def test_what_no_verb_knows_is_a_usage_error(respllm: Run, arguments: list[str]) -> None:
    outcome = respllm(*arguments)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def failing(error: BaseException) -> Callable[[], None]:
    def app() -> None:
        raise error

    return app


def test_a_full_disk_is_one_line(respllm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "runs/a/state")
    monkeypatch.setattr(main_module, "app", failing(error))
    outcome = respllm()
    assert outcome.code == 2
    assert outcome.err.startswith("error: No space left on the disk. Where: runs/a/state.")


def test_an_interruption_is_one_line(respllm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "app", failing(KeyboardInterrupt()))
    outcome = respllm()
    assert outcome.code == 130
    assert "what was finished is kept" in outcome.err


def test_a_fault_of_ours_is_not_hidden(respllm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "app", failing(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        respllm()


def test_as_a_module_it_fails_with_one_line_too(tmp_path: Any) -> None:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "respllm", "simulate", str(tmp_path), "--subjects", "-3"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - begun < 60

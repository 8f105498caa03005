"""Five hundred damaged and forged files: typed errors or valid results (see the program)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_five_hundred_damaged_files() -> None:
    command = [sys.executable, "-m", "benchmarks.reliability.fuzz", "--cases", "500", "--seed", "3"]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=REPOSITORY
    )
    assert "500 cases, 0 findings" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 0

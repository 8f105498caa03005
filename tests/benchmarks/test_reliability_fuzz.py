"""Five hundred damaged and forged files: typed errors or valid results (see the program)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "reliability_fuzz.py"


def test_five_hundred_damaged_files() -> None:
    command = [sys.executable, str(PROGRAM), "--cases", "500", "--seed", "3"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert "500 cases, 0 findings" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 0

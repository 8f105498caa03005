"""Answering for one recording loads no library that it does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

CODE = """
import sys
from respllm.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code
unused = {'av', 'matplotlib', 'openpyxl', 'pandas', 'peft', 'pyarrow', 'sklearn', 'statsmodels',
    'tensorboard'}
print(sorted(unused & set(sys.modules)))
"""


def test_one_recording_loads_no_table_or_training_library(
    trained_run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(40_000), 16_000)
    arguments = ["predict", str(path), "--task", "S7", "--run", str(trained_run)]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments, "--allow-simulated-model"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *answer, loaded = done.stdout.splitlines()
    assert "probability" in answer[0]
    assert loaded == "[]"

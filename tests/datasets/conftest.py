"""A data root with all five datasets, each in a tiny folder of its official layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.layouts import WRITERS


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    for name, write in WRITERS.items():
        write(tmp_path / name)
    return tmp_path

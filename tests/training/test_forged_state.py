"""A state whose checksum is right and whose contents are not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from respllm.errors import CheckpointError
from respllm.training.state import load_state


@pytest.mark.parametrize("content", [b"\x80\x02s.", b"\x80\x02q\x01.", b"\x80\x02X\x01\0\0\0\xff."])
def test_a_false_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(content + hashlib.sha256(content).digest())
    with pytest.raises(CheckpointError, match="saved state is damaged"):
        load_state(path)

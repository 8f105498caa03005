"""Every kind of file that goes on for too long is refused; seconds here, hours in the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.reliability.long_recordings import KINDS, write_silence

from respllm.audio import load_audio, loading
from respllm.errors import AudioError


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_beyond_the_limit_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"long.{kind}"
    write_silence(path, kind, 20 / 3600, 8000)
    assert len(load_audio(path)) / 16_000 == pytest.approx(20, abs=0.2)
    decoded = 0
    real = loading._check_length

    def counted(samples: int, rate: int, *args: object) -> None:
        nonlocal decoded
        decoded = max(decoded, samples // rate)
        real(samples, rate, *args)

    monkeypatch.setattr(loading, "MAX_SECONDS", 2.0)
    monkeypatch.setattr(loading, "_check_length", counted)
    with pytest.raises(AudioError, match="longer than"):
        load_audio(path)
    if kind in ("m4a", "webm"):  # read until it is too much, and no further
        assert decoded == 2

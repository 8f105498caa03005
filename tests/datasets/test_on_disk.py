"""A recording is found by its stem, whatever its format."""

from __future__ import annotations

from pathlib import Path

import pytest

from respllm.datasets.on_disk import audio_by_stem, subfolders
from respllm.errors import DataError


def test_every_audio_format_counts_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.wav", "b.FLAC", "c d ,63,M.webm", "e.txt", "._a.wav", "f.json", "g"):
        (tmp_path / name).touch()
    assert list(audio_by_stem(tmp_path)) == ["a", "b", "c d ,63,M"]


def test_the_same_stem_in_two_folders_is_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    for folder in (one, two):
        folder.mkdir()
        (folder / "a.wav").touch()
    assert subfolders(tmp_path) == [one, two]
    assert audio_by_stem(one) == {"a": one / "a.wav"}
    with pytest.raises(DataError, match="Two files hold one recording"):
        audio_by_stem(one, two)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'nowhere' is missing"):
        audio_by_stem(tmp_path / "nowhere")
    with pytest.raises(DataError, match="'nowhere' is missing"):
        subfolders(tmp_path / "nowhere")

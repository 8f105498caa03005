from __future__ import annotations

from pathlib import Path

import pytest

from respllm.errors import DataError
from respllm.evaluation import ResultRow, ScoredClip, auroc_score, read_rows, write_rows


def test_rows_survive_with_every_digit(tmp_path: Path) -> None:
    clips = [ScoredClip("S7", f"r{i}", f"p{i}", i / 3, i % 2) for i in range(9)]
    score, undefined = auroc_score(clips), auroc_score(clips[:1])
    rows = (
        ResultRow(
            *("S7", "icbhi", "COPD", "lung sounds", "trained", "test", "clean"),
            score,
            best_reachable=1 / 3,
            trivial={"age": undefined},
            skipped=2,
            note="it",
        ),
        ResultRow("T5", "kauh", "COPD", "lung", "zero-shot", "test", "clean", undefined),
    )
    write_rows(tmp_path / "rows.json", rows)
    assert read_rows(tmp_path / "rows.json") == rows


@pytest.mark.parametrize("content", [None, "", "[1]", '[{"task_id": "S7"}]'])
def test_anything_else_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "rows.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="respllm evaluate"):
        read_rows(path)

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.errors import DataError
from respllm.evaluation import ScoredClip, ScoreRow, read_scores, write_scores

words = st.text(
    st.characters(exclude_categories=["C"], exclude_characters="\r\n"), min_size=1, max_size=20
)
rows = st.builds(
    ScoreRow,
    source=words,
    part=st.sampled_from(["validation", "test"]),
    clip_id=words,
    scored=st.builds(
        ScoredClip,
        task_id=words,
        record_id=words,
        subject_id=words,
        logit=st.floats(allow_nan=False),
        label=st.integers(0, 1),
    ),
)


@given(st.lists(rows, max_size=5))
def test_what_is_written_is_read_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, found: list[ScoreRow]
) -> None:
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    write_scores(path, found)
    assert read_scores(path) == found


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a,b\n1,2\n",
        "source,part,task,record,subject,clip,logit,label\nS,train,t,r,s,c,0,1\n",
        "source,part,task,record,subject,clip,logit,label,weight\n",
        "source,part,task,record,subject,clip,label,logit\n",
    ],
)
def test_another_table_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(content)
    with pytest.raises(DataError, match="scores cannot be read"):
        read_scores(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="respllm evaluate"):
        read_scores(tmp_path / "none.csv")

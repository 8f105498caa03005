"""Files of JSON lines as documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from respllm.errors import DataError
from respllm.pretraining.text.documents import Document, emphasised, read_documents
from respllm.pretraining.text.settings import Emphasis, TextSource
from tests.pretraining.text.conftest import write_texts

SOURCE = TextSource(
    path=Path("t.jsonl"),
    title="t",
    licence="t",
    attribution="t",
    text="answer",
    heading="question",
    topic="focus",
)


def test_a_file_is_read_plain_and_gzipped(tmp_path: Path) -> None:
    line = '{"focus": "Cough", "question": "Why ?", "answer": "It  e\u0301\\n clears."}\n\n'
    (tmp_path / "t.jsonl").write_text(line, encoding="utf-8")
    expected = [Document("It é clears.", "Why ?", "Cough")]
    assert read_documents([SOURCE], tmp_path) == expected
    row = {"focus": "Cough", "question": "Why ?", "answer": "It é clears."}
    write_texts(tmp_path / "t.jsonl", [row, row | {"answer": None}])
    assert read_documents([SOURCE], tmp_path) == expected
    assert expected[0].whole == "Why ?\nIt é clears."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"answer": "a", "question": "b"}\n', "No line has a field 'focus'.*answer, question"),
        (b'{"answer": "a"}\n[1]\n', "no JSON object.*line 2"),
        (b'{"answer"\n', "no JSON object.*line 1"),
        (b'{"answer": "", "question": "", "focus": ""}\n', "No line has a text in .*'answer'"),
        (b"\xff\xfe\n", "cannot be read"),
        (b"\x1f\x8bno gzip", "cannot be read"),
    ],
)
def test_a_file_that_is_no_such_file_says_what_is_wrong(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "t.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_documents([SOURCE], tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.jsonl"):
        read_documents([SOURCE], tmp_path)


def test_terms_count_as_beginnings_of_words_by_their_share() -> None:
    more = Emphasis(terms=("cough",), density=0.2)
    assert emphasised(Document("Coughing and one more.", "", None), more)
    assert not emphasised(Document("Coughing and one more and more.", "", None), more)
    assert not emphasised(Document("hiccough here", "", None), more)

"""Files of JSON lines as documents."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from respllm.errors import DataError
from respllm.pretraining.text.settings import Emphasis, TextSource


@dataclass(frozen=True, slots=True)
class Document:
    """A text that was written as a whole.

    Attributes:
        text: in normal form (NFC), with single spaces.
        heading: what stands above it; "" if nothing does.
        topic: what it is about; None if that is not stated.
    """

    text: str
    heading: str
    topic: str | None

    @property
    def whole(self) -> str:
        """Heading and text, as they are read."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text

    def words(self) -> int:
        """Words of heading and text."""
        return len(self.whole.split())


def read_documents(sources: Sequence[TextSource], folder: Path) -> list[Document]:
    """All documents of all sources, in order; those without a text are left out.

    Args:
        folder: where relative paths start.

    Raises:
        DataError: a file that is not there or cannot be read, a line that is no JSON object, a
            field that no line has, or no text at all.
    """
    documents = []
    for source in sources:
        found = list(_documents(source, folder / source.path))
        if not found:
            raise DataError(
                f"No line has a text in the field {source.text!r}",
                where=str(source.path),
                expected="one JSON object a line, with the text in that field",
                next_step="name the field with `text` in the source",
            )
        documents += found
    return documents


def emphasised(document: Document, emphasis: Emphasis) -> bool:
    """Whether the terms make up enough of a document for it to be read more often."""
    begins = "|".join(map(re.escape, emphasis.terms))
    found = re.findall(rf"\b(?:{begins})", document.whole.lower())
    return len(found) >= emphasis.density * document.words()


def _documents(source: TextSource, path: Path) -> Iterator[Document]:
    seen: set[str] = set()
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _no_object(path, number) from error
        if not isinstance(fields, dict):
            raise _no_object(path, number)
        seen.update(fields)
        text = _clean(fields.get(source.text))
        if text:
            heading = _clean(fields.get(source.heading)) if source.heading else ""
            topic = _clean(fields.get(source.topic)) if source.topic else ""
            yield Document(text, heading, topic or None)
    for name in (source.heading, source.topic):
        if name is not None and name not in seen:
            raise DataError(
                f"No line has a field {name!r}",
                where=str(path),
                expected=f"one of {', '.join(sorted(seen))}",
            )


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        opened = gzip.open if zipped else open
        with opened(path, "rt", encoding="utf-8") as lines:
            yield from lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"The texts cannot be read ({type(error).__name__})",
            where=str(path),
            expected="a file of JSON lines in UTF-8, plain or gzipped",
            next_step="check the source's path",
        ) from error


def _clean(value: object) -> str:
    return " ".join(unicodedata.normalize("NFC", value).split()) if isinstance(value, str) else ""


def _no_object(path: Path, number: int) -> DataError:
    return DataError(
        "A line is no JSON object",
        where=f"{path}, line {number}",
        expected="one JSON object a line",
    )

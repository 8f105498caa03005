"""Multipart forms, held in memory: nothing that is uploaded ever touches a disk.

Starlette's own parser keeps files of more than a megabyte in temporary files.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from respllm.server.problems import BAD_REQUEST, INVALID, ProblemError

# It would log bytes of what is sent.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

MAX_PARTS = 200
MAX_FIELD_BYTES = 16 * 1024
"""Of one field that is no file."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a form holds.

    Attributes:
        fields: values by name, in their order.
        files: content by name.
        file_names: what the sender calls the files, by name.
    """

    fields: dict[str, list[str]]
    files: dict[str, bytes]
    file_names: dict[str, str]


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    content: bytearray = field(default_factory=bytearray)


async def read_form(
    stream: AsyncIterator[bytes], content_type: str, file_fields: Collection[str]
) -> Form:
    """Read a multipart form from a stream of bytes, whose size somebody else bounds.

    Args:
        file_fields: names under which a file is expected, once each.

    Raises:
        ProblemError: no such form, cut off, too many or too large parts, an unexpected file.
    """
    reader = _Reader(content_type, file_fields)
    async for chunk in stream:
        reader.write(chunk)
    return reader.finish()


class _Reader:
    def __init__(self, content_type: str, file_fields: Collection[str]) -> None:
        self._file_fields = file_fields
        self._parts: list[_Part] = []
        self._part = _Part()
        self._header = bytearray()
        self._value = bytearray()
        self._ended = False
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise _broken("it names no boundary")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_part_data": self._data,
                    "on_part_end": self._end_part,
                    "on_header_field": lambda data, a, b: self._header.extend(data[a:b]),
                    "on_header_value": lambda data, a, b: self._value.extend(data[a:b]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._headers_finished,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise _broken("its boundary is no boundary") from None

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _broken("a part is not as it should be") from None

    def finish(self) -> Form:
        if not self._ended:
            raise _broken("it is cut off")
        fields: dict[str, list[str]] = defaultdict(list)
        files: dict[str, bytes] = {}
        names: dict[str, str] = {}
        for part in self._parts:
            if part.file_name is None:
                fields[part.name].append(_text(part.content))
            elif part.name in files:
                raise ProblemError(
                    INVALID, "Two files of one name", where=part.name, expected="one of each"
                )
            else:
                files[part.name] = bytes(part.content)
                names[part.name] = part.file_name
                part.content.clear()
        return Form(dict(fields), files, names)

    def _begin(self) -> None:
        self._part = _Part()
        if len(self._parts) >= MAX_PARTS:
            raise ProblemError(
                BAD_REQUEST, "The form has too many parts", expected=f"at most {MAX_PARTS}"
            )

    def _end_header(self) -> None:
        self._part.headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        disposition = self._part.headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        if b"name" not in options:
            raise _broken("a part has no name")
        name = options[b"name"].decode("utf-8", "replace")
        self._part.name = name
        if b"filename" not in options:
            return
        self._part.file_name = options[b"filename"].decode("utf-8", "replace")
        if name not in self._file_fields:
            raise ProblemError(
                INVALID,
                "A file in a field that takes none",
                expected=f"files named {' and '.join(sorted(self._file_fields))}",
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.file_name is None and len(part.content) + end - start > MAX_FIELD_BYTES:
            raise ProblemError(
                BAD_REQUEST,
                "A field is too long",
                expected=f"at most {MAX_FIELD_BYTES} bytes; a recording as a file, with its name",
            )
        part.content += data[start:end]

    def _end_part(self) -> None:
        self._parts.append(self._part)

    def _end(self) -> None:
        self._ended = True


def _text(content: bytearray) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ProblemError(BAD_REQUEST, "A field is not UTF-8 text") from None


def _broken(how: str) -> ProblemError:
    return ProblemError(
        BAD_REQUEST,
        f"The form cannot be read: {how}",
        expected="multipart/form-data, as curl -F and browsers send it",
    )

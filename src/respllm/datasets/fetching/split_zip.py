"""A zip archive in several parts (`.z01`, `.z02`, ..., `.zip`) read as an ordinary one.

In a split archive a place is a part and an offset within it, and Python's `zipfile` refuses that.
Here the parts are read as one stream behind which a table of contents with plain places stands.
Layouts: PKWARE APPNOTE 6.3, sections 4.3.12 to 4.3.16 and 4.5.3.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path

from respllm.datasets.fetching.errors import FetchError
from respllm.datasets.fetching.joined import JoinedFiles

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LONG, _SHORT = 0xFFFFFFFF, 0xFFFF
_LARGEST_TABLE = 2**29


def open_split_zip(parts: Sequence[Path]) -> io.BufferedReader:
    """An ordinary zip archive, for `zipfile.ZipFile`.

    Args:
        parts: the parts in order, the `.zip` last.

    Raises:
        FetchError: the parts do not make up a split archive.
    """
    joined = JoinedFiles(parts)
    starts = joined.starts
    try:
        table_at, table_size, count = _find_table(joined, starts)
        if not 0 <= table_size <= _LARGEST_TABLE:
            raise ValueError(f"a table of {table_size} bytes")
        table = _plain_table(_read(joined, table_at, table_size), count, starts)
    except (struct.error, ValueError, IndexError, OSError) as error:
        raise FetchError(
            f"The parts make up no zip archive: {error}",
            where=f"{parts[0]} to {parts[-1].name}",
            expected="every part, as published",
            next_step="delete the parts and fetch again",
        ) from error
    finally:
        joined.close()
    end64 = _END64.pack(
        b"PK\6\6", _END64.size - 12, 45, 45, 0, 0, count, count, len(table), table_at
    )
    locator = _LOCATOR.pack(b"PK\6\7", 0, table_at + len(table), 1)
    end = _END.pack(b"PK\5\6", 0, 0, _SHORT, _SHORT, _LONG, _LONG, 0)
    tail = table + end64 + locator + end
    return io.BufferedReader(JoinedFiles(parts, table_at, tail), 2**18)


def _find_table(joined: JoinedFiles, starts: list[int]) -> tuple[int, int, int]:
    """Where the table of contents begins in the joined stream, its bytes and its entries."""
    begin = max(0, starts[-1] - _SHORT - _END.size)
    tail = _read(joined, begin, starts[-1] - begin)
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise ValueError("it has no end record")
    _, _, part, _, count, size, offset, _ = _END.unpack_from(tail, at)
    if _SHORT in {part, count} or _LONG in {size, offset}:
        signature, end_part, end_offset, _ = _LOCATOR.unpack(
            _read(joined, begin + at - _LOCATOR.size, _LOCATOR.size)
        )
        if signature != b"PK\6\7":
            raise ValueError("it has no locator of its end record")
        record = _END64.unpack(_read(joined, starts[end_part] + end_offset, _END64.size))
        if record[0] != b"PK\6\6":
            raise ValueError("its end record is not where it should be")
        part, count, size, offset = record[5], record[7], record[8], record[9]
    return starts[:-1][part] + offset, size, count


def _plain_table(table: bytes, count: int, starts: list[int]) -> bytes:
    """The table with places in the joined stream, each in a zip64 field."""
    plain = bytearray()
    at = 0
    for _ in range(count):
        fields = list(_ENTRY.unpack_from(table, at))
        if fields[0] != b"PK\1\2":
            raise ValueError("its table of contents is damaged")
        name_size, extra_size, comment_size = fields[10:13]
        body = at + _ENTRY.size
        name = table[body : body + name_size]
        extra = table[body + name_size : body + name_size + extra_size]
        at = body + name_size + extra_size + comment_size
        packed, size, part, offset = fields[8], fields[9], fields[13], fields[16]
        long, others = _split_extra(extra)
        # A zip64 field holds, in this order, only what does not fit into the entry.
        values = [value for (value,) in struct.iter_unpack("<Q", long[: len(long) // 8 * 8])]
        size, packed, offset = (
            values.pop(0) if value == _LONG else value for value in (size, packed, offset)
        )
        if part == _SHORT:
            (part,) = struct.unpack("<L", long[-4:])
        place = starts[:-1][part] + offset
        wide = struct.pack("<2H3Q", 1, 24, size, packed, place) + others
        fields[8], fields[9], fields[16] = _LONG, _LONG, _LONG
        fields[11], fields[12], fields[13] = len(wide), 0, 0
        plain += _ENTRY.pack(*fields) + name + wide
    return bytes(plain)


def _split_extra(extra: bytes) -> tuple[bytes, bytes]:
    """The content of the zip64 field, and the other fields."""
    long, others, at = b"", b"", 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        field = extra[at : at + 4 + size]
        if kind == 1:
            long = field[4:]
        else:
            others += field
        at += 4 + size
    return long, others


def _read(joined: JoinedFiles, at: int, size: int) -> bytes:
    joined.seek(at)
    content = b""
    while len(content) < size:
        piece = joined.read(size - len(content))
        if not piece:
            raise ValueError("it ends too early")
        content += piece
    return content

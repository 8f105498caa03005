"""Archives for tests: as published, in parts, and hostile."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterable, Mapping


def tar_gz(files: Mapping[str, bytes], extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A gzipped tar archive; `extra` are entries without content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for entry in extra:
            archive.addfile(entry)
    return packed.getvalue()


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(files: Iterable[tuple[str, bytes]], link: str = "") -> bytes:
    """A zip archive; `link` is the name of a symbolic link to /etc."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc")
    return packed.getvalue()


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def split_zip(files: Mapping[str, bytes], size: int, *, zip64: bool = False) -> list[bytes]:
    """A zip archive in parts of `size` bytes, places given by part and offset, as `zip -s` does."""
    plain = b"PK\7\x08" + zipped(files.items())
    end_at = plain.rindex(b"PK\5\6")
    count, _table_size, table_at = struct.unpack_from("<H2L", plain, end_at + 10)
    table_at += 4  # the mark of a split archive comes first
    table = bytearray()
    at = table_at
    for _ in range(count):
        fields = list(struct.unpack_from("<4s6H3L5H2L", plain, at))
        name_size, extra_size, comment_size = fields[10:13]
        body = plain[at + 46 : at + 46 + name_size]
        part, offset = divmod(fields[16] + 4, size)
        at += 46 + name_size + extra_size + comment_size
        extra = b""
        if zip64:
            extra = struct.pack("<2HQQQL", 1, 28, fields[9], fields[8], offset, part)
            fields[8] = fields[9] = fields[16] = 0xFFFFFFFF
            fields[13] = 0xFFFF
        else:
            fields[13], fields[16] = part, offset
        fields[11], fields[12] = len(extra), 0
        table += struct.pack("<4s6H3L5H2L", *fields) + body + extra
    content = plain[:table_at] + table
    part, offset = divmod(table_at, size)
    if zip64:
        end64_part, end64_offset = divmod(len(content), size)
        content += struct.pack(
            "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 9, part, count, count, len(table), offset
        )
        content += struct.pack("<4sLQL", b"PK\6\7", end64_part, end64_offset, 9)
        content += struct.pack("<4s4H2LH", b"PK\5\6", *[0xFFFF] * 4, *[0xFFFFFFFF] * 2, 0)
    else:
        last = len(content) // size
        content += struct.pack(
            "<4s4H2LH", b"PK\5\6", last, part, count, count, len(table), offset, 0
        )
    return cut(content, size)


def gzip_of(content: bytes) -> bytes:
    return gzip.compress(content, 1)

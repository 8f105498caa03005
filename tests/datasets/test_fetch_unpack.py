"""Archives: in parts without a joined copy, and hostile ones that write nothing outside."""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import struct
import subprocess
import tarfile
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from respllm.datasets.fetching import FetchError, Limits, UnsafeArchive, unpack
from respllm.datasets.fetching.joined import JoinedFiles
from respllm.datasets.fetching.names import safe_parts
from respllm.datasets.fetching.record import Unpacked
from tests.datasets.archives import cut, entry, gzip_of, split_zip, tar_gz, zipped

FILES = {
    "20200413/aaa/cough-heavy.wav": random.Random(1).randbytes(9000),
    "20200413/aaa/metadata.json": b"{}",
    "20200413/bbb/cough-heavy.wav": b"",
    "notes.txt": b"read me",
}
SMALL = Limits(entries=2000, ratio=20, floor=2**16, largest=2**20)


def written(parts: list[bytes], folder: Path, names: list[str]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / name for name in names]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(part)
    return paths


def found(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def letters(parts: list[bytes], stem: str) -> list[str]:
    return [f"{stem}.a{chr(97 + i)}" for i in range(len(parts))]


@pytest.mark.parametrize("size", [100_000, 4000, 700])
def test_a_tar_archive_in_parts_is_read_as_one(tmp_path: Path, size: int) -> None:
    parts = cut(tar_gz(FILES), size)
    paths = written(parts, tmp_path / "in", letters(parts, "20200413.tar.gz"))
    tops = unpack(paths, tmp_path / "out")
    assert found(tmp_path / "out") == FILES
    assert tops == {
        "20200413": Unpacked(files=3, bytes=9002),
        "notes.txt": Unpacked(files=1, bytes=7),
    }


@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("size", [5000, 1234, 200])
def test_a_zip_archive_in_parts_is_read_as_one(tmp_path: Path, size: int, zip64: bool) -> None:
    parts = split_zip(FILES, size, zip64=zip64)
    assert len(parts) > 1
    names = [f"covid_data.z{i:02d}" for i in range(1, len(parts))] + ["covid_data.zip"]
    unpack(written(parts, tmp_path / "in", names), tmp_path / "out")
    assert found(tmp_path / "out") == FILES


def test_a_missing_or_cut_part_is_noticed(tmp_path: Path) -> None:
    parts = split_zip(FILES, 1234)
    names = [f"covid_data.z{i:02d}" for i in range(1, len(parts))] + ["covid_data.zip"]
    paths = written(parts, tmp_path / "in", names)
    for i, chosen in enumerate((paths[1:], paths[:-1], [*paths[:2], *paths[3:]])):
        with pytest.raises(FetchError):
            unpack(chosen, tmp_path / f"out{i}")
    tar = cut(tar_gz(FILES), 4000)
    paths = written(tar, tmp_path / "in", letters(tar, "x.tar.gz"))
    for i, chosen in enumerate((paths[1:], paths[:-1])):
        with pytest.raises(FetchError, match="damaged"):
            unpack(chosen, tmp_path / f"tar{i}")


def test_system_files_are_passed_over_and_plain_dots_are_not(tmp_path: Path) -> None:
    files = {"./a/b.wav": b"1", "__MACOSX/a/._b.wav": b"2", "a/._b.wav": b"3", "a/.DS_Store": b"4"}
    (path,) = written([zipped(files.items())], tmp_path / "in", ["x.zip"])
    unpack([path], tmp_path / "out")
    assert found(tmp_path / "out") == {"a/b.wav": b"1"}


BAD_NAMES = [
    "../escaped.txt",
    "a/../../escaped.txt",
    "/escaped.txt",
    "//escaped.txt",
    "..\\escaped.txt",
    "C:\\escaped.txt",
    "C:/escaped.txt",
    "c:escaped.txt",
    "a/b:stream",
    "a/\x07bell.wav",
    "a/new\nline.wav",
    "a/\u202egnp.wav",
    "aux",
    "a/NUL.txt",
    "a/com1.wav",
    "x" * 300,
    "/".join("abcdefghijklmnopqrst"),
    "..",
]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_name_that_leaves_the_folder_writes_nothing(tmp_path: Path, name: str, kind: str) -> None:
    content = tar_gz({name: b"x"}) if kind == "tar" else zipped([(name, b"x")])
    (path,) = written([content], tmp_path / "in", ["x.tar.gz" if kind == "tar" else "x.zip"])
    with pytest.raises(UnsafeArchive, match="The name"):
        unpack([path], tmp_path / "deep" / "out")
    assert found(tmp_path / "deep") == {}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "in"]


@pytest.mark.parametrize(
    "extra",
    [
        entry("link", tarfile.SYMTYPE, "/etc"),
        entry("link", tarfile.SYMTYPE, "../../outside"),
        entry("link", tarfile.SYMTYPE, "notes.txt"),
        entry("link", tarfile.LNKTYPE, "../../outside"),
        entry("link", tarfile.LNKTYPE, "notes.txt"),
        entry("device", tarfile.CHRTYPE),
        entry("device", tarfile.BLKTYPE),
        entry("pipe", tarfile.FIFOTYPE),
        entry("sparse", tarfile.GNUTYPE_SPARSE),
    ],
    ids=lambda extra: f"{extra.type!r} {extra.linkname}",
)
def test_links_and_devices_are_refused(tmp_path: Path, extra: tarfile.TarInfo) -> None:
    (path,) = written([tar_gz(FILES, [extra])], tmp_path / "in", ["x.tar.gz"])
    with pytest.raises(FetchError):
        unpack([path], tmp_path / "out")
    assert not any(p.is_symlink() or not (p.is_file() or p.is_dir()) for p in tmp_path.rglob("*"))


def test_a_link_is_never_followed_by_a_later_entry(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(entry("a", tarfile.SYMTYPE, str(tmp_path / "outside")))
        archive.addfile(entry("a/b.txt", tarfile.REGTYPE))
    (tmp_path / "outside").mkdir()
    (path,) = written([packed.getvalue()], tmp_path / "in", ["x.tar.gz"])
    with pytest.raises(UnsafeArchive, match="is a link"):
        unpack([path], tmp_path / "out")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_in_a_zip_archive_is_refused(tmp_path: Path) -> None:
    (path,) = written([zipped([("a", b"1")], link="b")], tmp_path / "in", ["x.zip"])
    with pytest.raises(UnsafeArchive, match="is a link"):
        unpack([path], tmp_path / "out")


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize(
    "files",
    [
        {"a": b"\0" * 900_000},
        {"a": b"\0" * 2_000_000},
        {f"f{i}": b"\0" * 9000 for i in range(200)},
        {f"f{i}": b"" for i in range(3000)},
    ],
    ids=["packed hard", "large", "in many files", "many entries"],
)
def test_bombs_are_bounded(tmp_path: Path, kind: str, files: dict[str, bytes]) -> None:
    content = tar_gz(files) if kind == "tar" else zipped(files.items())
    (path,) = written([content], tmp_path / "in", ["x.tar.gz" if kind == "tar" else "x.zip"])
    with pytest.raises(UnsafeArchive):
        unpack([path], tmp_path / "out", Limits(entries=2000, ratio=5, floor=2**16, largest=2**20))
    size = sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file())
    # A zip archive declares its sizes and is refused before a byte; a tar archive while it comes.
    assert size <= (0 if kind == "zip" else max(2**16, 5 * len(content)))


def test_a_zip_archive_that_lies_about_sizes_is_noticed(tmp_path: Path) -> None:
    content = bytearray(zipped([("a", b"\0" * 60_000)]))
    table = content.index(b"PK\1\2")
    struct.pack_into("<L", content, table + 24, 10)
    (path,) = written([bytes(content)], tmp_path / "in", ["x.zip"])
    with pytest.raises(FetchError):
        unpack([path], tmp_path / "out")
    assert sum(len(c) for c in found(tmp_path / "out").values()) <= 10


def test_headers_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    header = entry("x", tarfile.XHDTYPE)
    header.size = 2**33
    bomb = gzip_of(header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 2**20)
    (path,) = written([bomb], tmp_path / "in", ["x.tar.gz"])
    with pytest.raises(FetchError, match="header of 8589934592 bytes"):
        unpack([path], tmp_path / "out")


def test_a_bomb_behind_the_end_of_an_archive_is_bounded(tmp_path: Path) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(entry("a", tarfile.REGTYPE))
    (path,) = written([gzip_of(plain.getvalue() + b"\0" * 2**24)], tmp_path / "in", ["x.tar.gz"])
    with pytest.raises(UnsafeArchive, match="unpacks to more"):
        unpack([path], tmp_path / "out", SMALL)


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "./a")])
def test_two_entries_of_one_name_are_refused(
    tmp_path: Path, kind: str, names: tuple[str, str]
) -> None:
    if kind == "tar":
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name in names:
                archive.addfile(entry(name, tarfile.REGTYPE))
        content = packed.getvalue()
    else:
        with warnings.catch_warnings(action="ignore"):
            content = zipped([(name, b"x") for name in names])
    (path,) = written([content], tmp_path / "in", ["x.tar.gz" if kind == "tar" else "x.zip"])
    with pytest.raises(UnsafeArchive, match="Two entries are named"):
        unpack([path], tmp_path / "out")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_flipped_bytes_are_noticed(tmp_path: Path, kind: str) -> None:
    content = bytearray(tar_gz(FILES) if kind == "tar" else zipped(FILES.items()))
    content[3000] ^= 1
    (path,) = written([bytes(content)], tmp_path / "in", ["x.tar.gz" if kind == "tar" else "x.zip"])
    with pytest.raises(FetchError, match="damaged"):
        unpack([path], tmp_path / "out")


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"<html>no archive</html>", b"PK\5\6", b"\x1f\x8b"])
def test_what_is_no_archive_is_said_to_be_damaged(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (path,) = written([content], tmp_path / "in", [name])
    with pytest.raises(FetchError):
        unpack([path], tmp_path / "out")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="./\\:a~\0\n\u202e -", max_size=12))
def test_a_name_that_passes_stays_in_its_folder(name: str) -> None:
    try:
        parts = safe_parts(name, "here")
    except UnsafeArchive:
        return
    folder = Path("/folder")
    path = folder.joinpath(*parts)
    assert path.is_relative_to(folder)
    assert path != folder
    assert ".." not in path.parts


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damaged_archives_end_in_typed_errors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    kind = data.draw(st.sampled_from(["x.zip", "x.tar.gz", "split"]))
    parts = {
        "x.zip": lambda: [zipped(FILES.items())],
        "x.tar.gz": lambda: [tar_gz(FILES)],
        "split": lambda: split_zip(FILES, 3000, zip64=True),
    }[kind]()
    whole = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(1, len(whole)))
        whole[-at] = data.draw(st.integers(0, 255))
    names = [kind] if kind != "split" else ["x.z01", "x.z02", "x.z03", "x.z04"][: len(parts) - 1]
    if kind == "split":
        names.append("x.zip")
    size = 3000 if kind == "split" else len(whole)
    paths = written(cut(bytes(whole), size), folder / "in", names)
    with contextlib.suppress(FetchError):
        unpack(paths, folder / "out", SMALL)
    assert all(path.is_relative_to(folder) for path in folder.rglob("*"))


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=5), st.data())
@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_joined_files_read_like_one_file(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("joined")
    paths = written(parts, folder, [str(i) for i in range(len(parts))])
    stop = data.draw(st.integers(0, sum(map(len, parts))))
    whole = b"".join(parts)[:stop] + b"tail"
    with JoinedFiles(paths, stop, b"tail") as joined:
        assert joined.readall() == whole
        for _ in range(5):
            place, size = data.draw(st.integers(0, len(whole) + 2)), data.draw(st.integers(0, 9))
            joined.seek(place)
            piece = joined.read(size)
            assert piece is not None
            assert whole[place : place + size].startswith(piece)
            assert bool(piece) == bool(whole[place : place + size])


@pytest.mark.skipif(shutil.which("zip") is None, reason="no zip tool")
def test_a_split_archive_of_the_usual_tool_is_read(tmp_path: Path) -> None:
    files = {f"audio/{i}.wav": random.Random(i).randbytes(30_000) for i in range(9)}
    for name, content in files.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    subprocess.run(
        ["zip", "-q", "-r", "-s", "64k", "covid_data.zip", "audio"], cwd=tmp_path / "in", check=True
    )
    parts = sorted((tmp_path / "in").glob("covid_data.z*"))
    assert [path.name for path in parts] == [
        *(f"covid_data.z{i:02d}" for i in range(1, len(parts))),
        "covid_data.zip",
    ]
    assert len(parts) > 3
    unpack(parts, tmp_path / "out")
    assert found(tmp_path / "out") == files

"""Fetching whole datasets: from a server, through every interruption, to what the adapter reads."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from filelock import FileLock

from respllm.datasets import load_contents
from respllm.datasets.fetching import FetchError
from respllm.datasets.fetching.fetch import DOWNLOADS
from respllm.datasets.fetching.record import RECORD, read_record
from respllm.errors import DataError
from tests.conftest import REPOSITORY
from tests.datasets.archives import cut, split_zip, tar_gz, zipped
from tests.datasets.fetch_in_a_process import fetch_from
from tests.datasets.layouts import WRITERS
from tests.datasets.serving import Fault, Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def published(name: str, folder: Path, noise: int = 0) -> dict[str, bytes]:
    """A tiny release as its publisher offers it: name -> content.

    Args:
        noise: bytes of a recording that nothing names, so that archives have a size.
    """
    WRITERS[name](folder)
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    loud = random.Random(0).randbytes(noise)
    if name == "icbhi":
        recordings = {n: files.pop(n) for n in list(files) if "/" in n}
        return files | {"ICBHI_final_database.zip": zipped(recordings.items())}
    if name == "kauh":
        return {"Audio Files.zip": zipped(files.items()), "Data annotation.xlsx": b"a table"}
    if name == "coswara":
        files["Extracted_data/20200504/zzz/vowel-a.wav"] = loud
        days: dict[str, dict[str, bytes]] = {}
        for path in [n for n in files if n.startswith("Extracted_data/")]:
            _, day, rest = path.split("/", 2)
            days.setdefault(day, {})[f"{day}/{rest}"] = files.pop(path)
        for day, content in days.items():
            for i, part in enumerate(cut(tar_gz(content), max(300, noise // 3))):
                files[f"{day}/{day}.tar.gz.a{chr(97 + i)}"] = part
        return files
    recordings = {n: files.pop(n) for n in list(files) if n.startswith("audio/")}
    recordings["audio/unnamed.txt"] = loud
    parts = split_zip(recordings, max(300, noise // 3))
    for i, part in enumerate(parts[:-1], start=1):
        files[f"covid_data.z{i:02d}"] = part
    return files | {"covid_data.zip": parts[-1]}


def serve(site: Site, release: dict[str, bytes], checksums: bool = True) -> list[dict[str, Any]]:
    """Offer a release and return its catalogue."""
    catalogue = []
    for name, content in release.items():
        path = f"/{quote(name)}"
        site.files[path] = content
        known = {"size": len(content), "checksum": f"md5:{hashlib.md5(content).hexdigest()}"}
        catalogue.append({"name": name, "url": site.url + path, **(known if checksums else {})})
    return catalogue


@pytest.mark.parametrize("name", ["icbhi", "kauh", "coswara", "uk_covid19"])
def test_what_is_fetched_is_what_the_adapter_reads(name: str, site: Site, tmp_path: Path) -> None:
    catalogue = serve(site, published(name, tmp_path / "official" / name))
    done = fetch_from(name, catalogue, tmp_path / "data")
    expected = load_contents(name, tmp_path / "official")
    contents = load_contents(name, tmp_path / "data")
    assert [r.record_id for r in contents.records] == [r.record_id for r in expected.records]
    assert (contents.missing, contents.notes) == (expected.missing, expected.notes)
    assert sorted(done.downloaded) == sorted(file["name"] for file in catalogue)
    folder = tmp_path / "data" / name
    assert not (folder / DOWNLOADS).exists()
    record = read_record(folder)
    assert record is not None
    assert record.complete
    assert {n: f.published for n, f in record.files.items()} == {
        file["name"]: file["checksum"] for file in catalogue
    }
    assert all(f.sha256.startswith("sha256:") for f in record.files.values())
    before = len(site.log)
    assert fetch_from(name, catalogue, tmp_path / "data").downloaded == ()
    assert len(site.log) == before, "nothing is asked for again"


def test_checksums_are_recorded_where_none_are_published(site: Site, tmp_path: Path) -> None:
    release = published("icbhi", tmp_path / "official" / "icbhi")
    catalogue = serve(site, release, checksums=False)
    fetch_from("icbhi", catalogue, tmp_path / "data")
    folder = tmp_path / "data" / "icbhi"
    record = json.loads((folder / RECORD).read_text())
    table = "ICBHI_Challenge_diagnosis.txt"
    assert record["files"][table]["sha256"] == (
        f"sha256:{hashlib.sha256(release[table]).hexdigest()}"
    )
    # The same file again is fetched; another one is not taken for it.
    (folder / table).write_bytes(b"damaged")
    assert fetch_from("icbhi", catalogue, tmp_path / "data").downloaded == (table,)
    (folder / table).unlink()
    site.files[f"/{table}"] = release[table].replace(b"URTI", b"COPD")
    with pytest.raises(FetchError, match="not the file that was fetched before"):
        fetch_from("icbhi", catalogue, tmp_path / "data")
    assert not (folder / table).exists()


def test_recordings_that_were_deleted_are_fetched_again(site: Site, tmp_path: Path) -> None:
    catalogue = serve(site, published("coswara", tmp_path / "official" / "coswara"))
    fetch_from("coswara", catalogue, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "coswara" / "Extracted_data" / "20200413")
    done = fetch_from("coswara", catalogue, tmp_path / "data")
    assert {name.split("/")[0] for name in done.downloaded} == {"20200413"}
    assert load_contents("coswara", tmp_path / "data").records


def test_an_archive_brought_by_hand_is_used(site: Site, tmp_path: Path) -> None:
    release = published("kauh", tmp_path / "official" / "kauh")
    catalogue = serve(site, release)
    downloads = tmp_path / "data" / "kauh" / DOWNLOADS
    downloads.mkdir(parents=True)
    (downloads / "Audio Files.zip").write_bytes(release["Audio Files.zip"])
    assert fetch_from("kauh", catalogue, tmp_path / "data").downloaded == ("Data annotation.xlsx",)
    shutil.rmtree(tmp_path / "data")
    downloads.mkdir(parents=True)
    (downloads / "Audio Files.zip").write_bytes(b"something else")
    done = fetch_from("kauh", catalogue, tmp_path / "data")
    assert len(done.downloaded) == 2
    assert "damaged on this disk" in done.notes[0]


def test_a_folder_of_somebody_else_is_left_alone(site: Site, tmp_path: Path) -> None:
    catalogue = serve(site, published("kauh", tmp_path / "official" / "kauh"))
    (tmp_path / "data" / "kauh").mkdir(parents=True)
    (tmp_path / "data" / "kauh" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds files already, 'mine\.txt'.*data verify"):
        fetch_from("kauh", catalogue, tmp_path / "data")
    assert site.log == []


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = published("kauh", tmp_path / "official" / "kauh")
    catalogue = serve(site, release)
    total = sum(map(len, release.values()))
    needed = total + int(1.5 * len(release["Audio Files.zip"]))
    usage = shutil.disk_usage(tmp_path)
    free = needed - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    with pytest.raises(FetchError, match=r"GB are needed"):
        fetch_from("kauh", catalogue, tmp_path / "data")
    assert site.requests("/Audio%20Files.zip") == []
    free = needed
    assert fetch_from("kauh", catalogue, tmp_path / "data").downloaded


def test_two_fetches_into_one_folder_do_not_meet(site: Site, tmp_path: Path) -> None:
    catalogue = serve(site, published("kauh", tmp_path / "official" / "kauh"))
    downloads = tmp_path / "data" / "kauh" / DOWNLOADS
    downloads.mkdir(parents=True)
    with (
        FileLock(downloads / "fetch.lock"),
        pytest.raises(FetchError, match="Another process is fetching"),
    ):
        fetch_from("kauh", catalogue, tmp_path / "data")


def test_a_hostile_archive_changes_nothing_but_its_folder(site: Site, tmp_path: Path) -> None:
    release = {
        "Audio Files.zip": zipped([("../../escaped.txt", b"x")]),
        "Data annotation.xlsx": b"",
    }
    catalogue = serve(site, release)
    with pytest.raises(FetchError, match="leaves the folder"):
        fetch_from("kauh", catalogue, tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data" / "kauh").iterdir()) == [
        "Data annotation.xlsx",
        RECORD,
        DOWNLOADS,
    ]


def test_a_damaged_record_is_refused(site: Site, tmp_path: Path) -> None:
    catalogue = serve(site, published("kauh", tmp_path / "official" / "kauh"))
    fetch_from("kauh", catalogue, tmp_path / "data")
    path = tmp_path / "data" / "kauh" / RECORD
    for content in (b"", b"{}", path.read_bytes().replace(b'"format": 1', b'"format": 9')):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"record of what was fetched cannot be read"):
            fetch_from("kauh", catalogue, tmp_path / "data")


def test_a_fetch_that_is_cut_short_anywhere_goes_on(site: Site, tmp_path: Path) -> None:
    release = published("uk_covid19", tmp_path / "official" / "uk_covid19", noise=60_000)
    catalogue = serve(site, release)
    rng = random.Random(2)
    for path, content in site.files.items():
        # One more than are borne in a row, so that a call ends here.
        drop = rng.randrange(1, len(content))
        site.faults[path] = [Fault(drop_after=drop), *[Fault(status=503)] * 3]
    failures = 0
    while True:
        try:
            fetch_from("uk_covid19", catalogue, tmp_path / "data")
            break
        except FetchError:
            failures += 1
    assert failures == len(release)
    assert len(load_contents("uk_covid19", tmp_path / "data").records) == 6
    for path in site.files:
        served = [request for request in site.requests(path) if request.sent]
        # Nothing is sent twice: each answer begins where the one before was cut.
        assert sum(request.sent for request in served) == len(site.files[path])


def test_killed_at_any_moment_the_next_call_finishes(site: Site, tmp_path: Path) -> None:
    release = published("coswara", tmp_path / "official" / "coswara", noise=1_000_000)
    told = tmp_path / "source.json"
    told.write_text(json.dumps({"name": "coswara", "files": serve(site, release)}))
    command = [sys.executable, "-m", "tests.datasets.fetch_in_a_process", str(told)]
    command.append(str(tmp_path / "data"))
    site.pause = 0.003
    rng = random.Random(5)
    kills = 0
    while True:
        before = sum(request.sent for request in site.log)
        if kills == 6:
            site.pause = 0
            subprocess.run(command, cwd=REPOSITORY, check=True, timeout=60)
            break
        with subprocess.Popen(command, cwd=REPOSITORY) as process:
            _wait_for_bytes(tmp_path / "data", rng.randrange(180_000), process)
            process.kill()
        assert process.returncode == -signal.SIGKILL, "it was to be killed half way"
        kills += 1
        assert before <= sum(request.sent for request in site.log)
    assert len(load_contents("coswara", tmp_path / "data").records) == 6
    record = read_record(tmp_path / "data" / "coswara")
    assert record is not None
    assert record.complete
    assert not (tmp_path / "data" / "coswara" / DOWNLOADS).exists()
    for path, content in site.files.items():
        requests = site.requests(path)
        starts = [request.start for request in requests]
        assert starts == sorted(starts), path
        for one, two in pairwise(requests):
            # The tail that was under way when the process died is sent again, nothing else.
            assert two.start <= one.start + one.sent
        whole = [r for r in requests if r.start + r.sent == len(content)]
        assert whole, path
    recorded = sum(len(content) for content in site.files.values())
    sent = sum(request.sent for request in site.log)
    assert sent <= recorded + kills * 2**19, "more than the interrupted tails was sent again"


def _wait_for_bytes(data: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until `count` more bytes are on the disk, or the process has ended."""
    begin = _on_disk(data)
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        if _on_disk(data) - begin >= count:
            return
        time.sleep(0.002)


def _on_disk(data: Path) -> int:
    total = 0
    for folder, _, names in os.walk(data):  # passes over what vanishes meanwhile
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(folder, name)).st_size
    return total


def test_killed_before_any_change_of_the_disk_the_next_call_finishes(
    site: Site, tmp_path: Path
) -> None:
    release = published("coswara", tmp_path / "official" / "coswara")
    release = {n: c for n, c in release.items() if n[0] == "c" or n.startswith("20200413")}
    told = tmp_path / "source.json"
    told.write_text(json.dumps({"name": "coswara", "files": serve(site, release)}))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.datasets.fetch_in_a_process"),
            *(str(told), str(tmp_path / "data"), "sweep"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    folders = sorted((tmp_path / "data").iterdir(), key=lambda path: int(path.name))
    assert len(folders) > 20
    states = [_state(folder / "coswara") for folder in folders]
    for state in states:
        assert state == states[-1]
    # An answer is lost where a process dies before its first byte is kept: at three changes (the
    # note of what comes is opened and renamed, the part is opened). Else nothing is asked twice.
    requests = sum(len(site.requests(path)) for path in site.files)
    assert requests <= len(release) * (len(folders) + 3)


def _state(folder: Path) -> dict[str, object]:
    state: dict[str, object] = {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
    record = read_record(folder)
    assert record is not None
    # When it came, and that one file was found whole after a kill, may differ.
    files = {n: f.model_copy(update={"url": None}) for n, f in record.files.items()}
    return state | {RECORD: record.model_copy(update={"accepted": "", "files": files})}

"""Publishers' catalogues: what is read of them, and which files each dataset takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from respllm.datasets import DATASETS
from respllm.datasets.fetching import SOURCES, Connection, FetchError, Patience
from respllm.datasets.fetching.catalogues import (
    Catalogue,
    at_addresses,
    github,
    mendeley,
    zenodo,
)
from respllm.datasets.fetching.remote import RemoteFile
from tests.datasets.serving import Fault, Site, serving

COMMIT = "a" * 40
MD5 = hashlib.md5(b"x").hexdigest()
SHA1 = hashlib.sha1(b"x").hexdigest()
SHA256 = hashlib.sha256(b"x").hexdigest()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def connection() -> Connection:
    return Connection(Patience(failures=1, wait=0.001, silence=5), schemes=("http",))


def offer(site: Site, path: str, answer: object) -> None:
    site.files[path] = json.dumps(answer).encode()


def test_zenodo(site: Site, connection: Connection) -> None:
    file = {"key": "a.csv", "size": 3, "checksum": f"md5:{MD5}", "links": {"self": "https://z/a"}}
    offer(site, "/7", {"files": [file]})
    assert zenodo("7", site.url)(connection, None) == Catalogue(
        (RemoteFile("a.csv", "https://z/a", 3, f"md5:{MD5}"),)
    )


def test_a_catalogue_that_is_cut_short_is_asked_for_again(
    site: Site, connection: Connection
) -> None:
    offer(site, "/7", {"files": []})
    site.faults["/7"] = [Fault(drop_after=5)]
    assert zenodo("7", site.url)(connection, None) == Catalogue(())


def test_mendeley(site: Site, connection: Connection) -> None:
    details = {"download_url": "https://m/a", "sha256_hash": SHA256}
    offer(
        site,
        "/d/files?folder_id=root&version=3",
        [{"filename": "Audio Files.zip", "size": 3, "content_details": details}],
    )
    assert mendeley("d", 3, site.url)(connection, None) == Catalogue(
        (RemoteFile("Audio Files.zip", "https://m/a", 3, f"sha256:{SHA256}"),)
    )


def test_github_stays_with_a_commit(site: Site, connection: Connection) -> None:
    offer(site, "/o/r/commits/master", {"sha": COMMIT})
    for commit in (COMMIT, "b" * 40):
        tree = [
            {"type": "tree", "path": "20200413", "sha": SHA1},
            {"type": "blob", "path": "20200413/a b.csv", "size": 3, "sha": SHA1},
        ]
        offer(site, f"/o/r/git/trees/{commit}?recursive=1", {"tree": tree, "truncated": False})
    ask = github("o/r", "master", site.url, "https://raw")
    assert ask(connection, None) == Catalogue(
        (
            RemoteFile(
                "20200413/a b.csv",
                f"https://raw/o/r/{COMMIT}/20200413/a%20b.csv",
                3,
                f"git-blob-sha1:{SHA1}",
            ),
        ),
        COMMIT,
    )
    assert ask(connection, "b" * 40).version == "b" * 40
    offer(site, f"/o/r/git/trees/{COMMIT}?recursive=1", {"tree": [], "truncated": True})
    with pytest.raises(FetchError, match="only a part of the repository"):
        ask(connection, None)
    offer(site, "/o/r/commits/master", {"sha": "../../evil"})
    with pytest.raises(FetchError, match="No commit"):
        ask(connection, None)


def test_sizes_are_asked_where_there_is_no_catalogue(site: Site, connection: Connection) -> None:
    site.files["/a%20b.txt"] = b"12345"
    catalogue = at_addresses(site.url, "a b.txt", "gone.txt")(connection, None)
    assert catalogue.files == (
        RemoteFile("a b.txt", f"{site.url}/a%20b.txt", 5),
        RemoteFile("gone.txt", f"{site.url}/gone.txt"),
    )


@pytest.mark.parametrize(
    "file",
    [
        {"key": "a", "size": 3, "links": {"self": "https://z/a"}},
        {"key": "a", "size": "many", "checksum": f"md5:{MD5}", "links": {"self": "https://z/a"}},
        {"key": "a", "size": 3, "checksum": None, "links": {"self": "https://z/a"}},
        {"key": "a", "size": 3, "checksum": "crc32:00000000", "links": {"self": "https://z/a"}},
        {"key": "a", "size": 3, "checksum": "md5:00", "links": {"self": "https://z/a"}},
        {"key": "../a", "size": 3, "checksum": f"md5:{MD5}", "links": {"self": "https://z/a"}},
        {"key": "/a", "size": 3, "checksum": f"md5:{MD5}", "links": {"self": "https://z/a"}},
        ["a"],
    ],
)
def test_a_catalogue_that_cannot_be_trusted_is_refused(
    site: Site, connection: Connection, file: object
) -> None:
    offer(site, "/7", {"files": [file]})
    with pytest.raises(FetchError, match=r"/7"):
        zenodo("7", site.url)(connection, None)


@pytest.mark.parametrize("content", [b"<html>log in</html>", b"", b"null", b"[]"])
def test_an_answer_that_is_no_catalogue_is_refused(
    site: Site, connection: Connection, content: bytes
) -> None:
    site.files["/7"] = content
    with pytest.raises(FetchError, match="catalogue is not"):
        zenodo("7", site.url)(connection, None)


def test_every_open_dataset_has_a_source() -> None:
    assert set(SOURCES) == {name for name, d in DATASETS.items() if not d.agreement_only}
    assert all(source.page.startswith("https://") for source in SOURCES.values())


NAMES = {
    "kauh": ["Audio Files.zip", "Data annotation.xlsx", "other.pdf"],
    "coswara": [
        *("combined_data.csv", "csv_labels_legend.json", "LICENSE.md", "extract_data.py"),
        *("annotations/cough-heavy_labels.csv", "annotations/vowel-o_labels_x.csv"),
        *("20200413/20200413.csv", "20200413/20200413.tar.gz.ab", "20200413/20200413.tar.gz.aa"),
        *("20200415/20200415_split_9.tar.gz.aa", "202004015/20200415_split_9.tar.gz.ai"),
        "Notebooks/a.ipynb",
    ],
    "uk_covid19": [
        *("participant_metadata.csv", "audio_metadata.csv", "train_test_splits.csv"),
        *("covid_data.zip", "covid_data.z02", "covid_data.z01", "README.md", "dictionary.pdf"),
    ],
}


def test_what_is_taken_of_each_release_and_in_which_order() -> None:
    listings = {
        name: SOURCES[name].select(Catalogue(tuple(RemoteFile(n, "https://x") for n in names)))
        for name, names in NAMES.items()
    }
    archives = {
        name: {archive.name: [part.name for part in archive.parts] for archive in listing.archives}
        for name, listing in listings.items()
    }
    assert archives == {
        "kauh": {"Audio Files": ["Audio Files.zip"]},
        "coswara": {
            "20200413": ["20200413/20200413.tar.gz.aa", "20200413/20200413.tar.gz.ab"],
            "20200415": ["20200415/20200415_split_9.tar.gz.aa"],
        },
        "uk_covid19": {"covid_data": ["covid_data.z01", "covid_data.z02", "covid_data.zip"]},
    }
    kept = {name: [file.name for file in listing.files] for name, listing in listings.items()}
    assert kept == {
        "kauh": ["Data annotation.xlsx"],
        "coswara": [
            *("LICENSE.md", "annotations/cough-heavy_labels.csv", "combined_data.csv"),
            "csv_labels_legend.json",
        ],
        "uk_covid19": [
            *("README.md", "audio_metadata.csv", "participant_metadata.csv"),
            "train_test_splits.csv",
        ],
    }
    assert {a.into for a in listings["coswara"].archives} == {"Extracted_data"}


@pytest.mark.parametrize("gone", ["audio_metadata.csv", "covid_data"])
def test_a_release_that_lacks_something_is_refused(gone: str) -> None:
    names = [name for name in NAMES["uk_covid19"] if not name.startswith(gone)]
    with pytest.raises(FetchError, match=r"lacks (audio_metadata\.csv|the recordings)"):
        SOURCES["uk_covid19"].select(Catalogue(tuple(RemoteFile(n, "https://x") for n in names)))

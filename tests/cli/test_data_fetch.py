"""`respllm data fetch`: the terms first, then the data, then what was found."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from rich.console import Console

from respllm.cli import data_fetch
from respllm.datasets import DATASETS, fetching
from respllm.datasets.fetching import Connection, Patience, Source
from respllm.datasets.fetching.catalogues import Catalogue
from respllm.datasets.fetching.remote import RemoteFile
from tests.cli.conftest import Run
from tests.datasets.archives import zipped
from tests.datasets.layouts import WRITERS
from tests.datasets.serving import Fault, Site, serving


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that offers KAUH, with sound, in place of its publisher's."""
    official = tmp_path / "official"
    WRITERS["kauh"](official)
    sound = 0.1 * np.random.default_rng(0).standard_normal(20_000)
    files = []
    for path in sorted((official / "Audio Files").iterdir()):
        if not path.name.startswith("."):
            soundfile.write(path, sound, 4000, format="WAV")
            files.append((f"Audio Files/{path.name}", path.read_bytes()))
    archive = zipped(files)
    with serving() as site:
        site.files["/audio.zip"] = archive
        checksum = f"sha256:{hashlib.sha256(archive).hexdigest()}"
        catalogue = Catalogue(
            (RemoteFile("Audio Files.zip", f"{site.url}/audio.zip", len(archive), checksum),)
        )
        known = fetching.SOURCES["kauh"]
        source = Source(
            known.page, lambda connection, version: catalogue, (), known.kept, known.archives
        )
        monkeypatch.setattr(fetching, "SOURCES", {**fetching.SOURCES, "kauh": source})
        quick = Patience(failures=1, wait=0.001, silence=5)
        monkeypatch.setattr(fetching, "Connection", lambda: Connection(quick, ("http",)))
        yield site


def test_terms_are_shown_and_the_data_verified(respllm: Run, site: Site, tmp_path: Path) -> None:
    done = respllm("data", "fetch", "kauh", "--to", "here", "--accept-license")
    assert done.code == 0, done.err
    dataset = DATASETS["kauh"]
    for shown in (dataset.title, dataset.licence, dataset.citation, "data.mendeley.com", " MB"):
        assert shown in done.out
    assert "kauh/BP1" not in done.out, "every recording can be heard"
    assert "Next: respllm train CONFIG --data-root here" in done.out
    assert (tmp_path / "here" / "kauh" / "FETCHED.json").is_file()
    again = respllm("data", "fetch", "kauh", "--to", "here")
    assert again.code == 0
    assert "is here already" in again.out
    assert len(site.requests("/audio.zip")) == 1


def test_nothing_is_fetched_unasked(
    refused: Callable[..., str], site: Site, tmp_path: Path
) -> None:
    line = refused("data", "fetch", "kauh")
    assert "CC BY 4.0" in line
    assert "--accept-license" in line
    assert site.log == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked(
    respllm: Run, site: Site, monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda question: asked.append(question) or answer)
    done = respllm("data", "fetch", "kauh", "--to", "here")
    assert "CC BY 4.0" in asked[0]
    assert done.code == (0 if answer else 2)
    assert bool(site.log) == answer


def test_a_failure_is_one_clear_line_and_a_second_call_goes_on(
    respllm: Run, refused: Callable[..., str], site: Site
) -> None:
    site.faults["/audio.zip"] = [Fault(drop_after=8000), Fault(status=403)]
    line = refused("data", "fetch", "kauh", "--to", "here", "--accept-license")
    assert "forbids the download (HTTP 403)" in line
    assert "browser" in line
    # The terms were accepted: they are not asked for again.
    assert respllm("data", "fetch", "kauh", "--to", "here").code == 0
    assert [request.start for request in site.requests("/audio.zip")] == [0, 0, 8000]


def test_a_dataset_under_agreement_is_explained(
    respllm: Run, small_cohort: Path, tmp_path: Path
) -> None:
    explained = respllm("data", "fetch", "covid19_sounds", "--to", "here")
    assert explained.code == 2
    assert "covid-19-sounds@cl.cam.ac.uk" in explained.out
    assert "here/covid19_sounds" in explained.out
    assert "data_0426_en_task1.csv" in explained.out
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "covid19_sounds").symlink_to(small_cohort / "covid19_sounds")
    verified = respllm("data", "fetch", "covid19_sounds", "--to", "here")
    assert verified.code == 0
    assert "Recordings" in verified.out


def test_a_bar_shows_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100, markup=False)
    monkeypatch.setattr(data_fetch, "err", console)
    with data_fetch.bytes_bar() as progress:
        progress("a[b].zip", 1_000_000, 4_000_000)
        progress("unknown.zip", 1_000, None)
        progress("a[b].zip", 4_000_000, 4_000_000)
    assert "a[b].zip" in shown.getvalue()
    assert "4.0/4.0 MB" in shown.getvalue()


def test_an_unknown_name_gets_a_near_miss(refused: Callable[..., str]) -> None:
    assert "Did you mean 'icbhi'" in refused("data", "fetch", "icbh")

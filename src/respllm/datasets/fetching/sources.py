"""Where each dataset is fetched from, and which of the publisher's files are needed.

Sizes and checksums come from the publishers' catalogues. ICBHI has none: its sizes are asked of the
server, and its checksums are recorded when it is first fetched and checked after.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from respllm.datasets.fetching.catalogues import (
    AskCatalogue,
    Catalogue,
    at_addresses,
    github,
    mendeley,
    zenodo,
)
from respllm.datasets.fetching.errors import FetchError
from respllm.datasets.fetching.remote import Archive, Listing, RemoteFile

ICBHI_FILES = "https://bhichallenge.med.auth.gr/sites/default/files/ICBHI_final_database"


@dataclass(frozen=True, slots=True)
class Source:
    """How to fetch one dataset.

    Attributes:
        page: where a person reads about it.
        ask: lists the publisher's files.
        required: files that are kept as they are, without which the dataset cannot be read.
        kept: pattern of further files that are kept.
        archives: pattern of archives; files with the same group "archive" are parts of one.
        into: folder that archives unpack to; "" is the dataset's own.
    """

    page: str
    ask: AskCatalogue
    required: tuple[str, ...]
    kept: str
    archives: str
    into: str = ""

    def select(self, catalogue: Catalogue) -> Listing:
        """What is fetched of a catalogue.

        Raises:
            FetchError: a required file or every archive is missing.
        """
        kept: list[RemoteFile] = []
        parts: dict[str, list[RemoteFile]] = defaultdict(list)
        for file in sorted(catalogue.files, key=lambda file: file.name):
            if file.name in self.required or re.fullmatch(self.kept, file.name):
                kept.append(file)
            elif found := re.fullmatch(self.archives, file.name):
                parts[found["archive"]].append(file)
        missing = set(self.required) - {file.name for file in kept}
        if missing or not parts:
            raise FetchError(
                f"The publisher's catalogue lacks {', '.join(sorted(missing)) or 'the recordings'}",
                where=self.page,
                expected="the release as it was published",
                next_step="see what changed on the publisher's page",
            )
        archives = tuple(Archive(name, tuple(files), self.into) for name, files in parts.items())
        return Listing(tuple(kept), archives, catalogue.version)


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "icbhi": Source(
            page="https://bhichallenge.med.auth.gr/ICBHI_2017_Challenge",
            ask=at_addresses(
                ICBHI_FILES,
                "ICBHI_Challenge_diagnosis.txt",
                "ICBHI_Challenge_demographic_information.txt",
                "ICBHI_challenge_train_test.txt",
                "ICBHI_final_database.zip",
            ),
            required=(
                "ICBHI_Challenge_diagnosis.txt",
                "ICBHI_Challenge_demographic_information.txt",
                "ICBHI_challenge_train_test.txt",
            ),
            kept="",
            archives=r"(?P<archive>ICBHI_final_database)\.zip",
        ),
        "kauh": Source(
            page="https://data.mendeley.com/datasets/jwyy9np4gv/3",
            ask=mendeley("jwyy9np4gv", 3),
            required=(),
            kept=r"Data annotation\.xlsx",
            archives=r"(?P<archive>Audio Files)\.zip",
        ),
        # The parts of one day's archive are "20200413/20200413.tar.gz.aa", ".ab", ....
        "coswara": Source(
            page="https://github.com/iiscleap/Coswara-Data",
            ask=github("iiscleap/Coswara-Data", "master"),
            required=("combined_data.csv",),
            kept=r"csv_labels_legend\.json|LICENSE\.md|README\.md|annotations/[a-z-]+_labels\.csv",
            archives=r"(?P<archive>20\d{6})/[^/]+\.tar\.gz\.[a-z]{2}",
            into="Extracted_data",
        ),
        # The recordings are one zip archive in parts: covid_data.z01, ..., covid_data.zip.
        "uk_covid19": Source(
            page="https://zenodo.org/records/10043978",
            ask=zenodo("10043978"),
            required=("participant_metadata.csv", "audio_metadata.csv", "train_test_splits.csv"),
            kept=r"README\.md",
            archives=r"(?P<archive>covid_data)\.(z\d\d|zip)",
        ),
    }
)

AGREEMENT = (
    "COVID-19 Sounds is given out only under a data transfer agreement with the University of "
    "Cambridge.\n"
    "1. Write to covid-19-sounds@cl.cam.ac.uk from the address of your institution: who you are, "
    "what you study, and who may sign for the institution. https://www.covid-19-sounds.org tells "
    "more.\n"
    "2. When the agreement is signed you are given the files; ask for those of the two benchmark "
    "tasks.\n"
    "3. Put them into {folder}: {layout}.\n"
    "4. Run this command again: it verifies them. They may not leave the places that the "
    "agreement names."
)
"""How to get it, with the dataset's `folder` and `layout` to fill in."""

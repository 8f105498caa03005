"""What a publisher's catalogue lists: names, addresses, sizes and checksums, asked when needed.

Nothing of this is written down here, so a publisher's correction reaches everybody. The answers'
fields are those that Zenodo, Mendeley Data and GitHub document or that their users' code reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from respllm.datasets.fetching.checksums import GIT_BLOB, check_known
from respllm.datasets.fetching.connecting import Connection, plain_address
from respllm.datasets.fetching.errors import FetchError
from respllm.datasets.fetching.names import safe_parts
from respllm.datasets.fetching.remote import RemoteFile

ZENODO = "https://zenodo.org/api/records"
MENDELEY = "https://data.mendeley.com/public-api/datasets"
GITHUB_API = "https://api.github.com/repos"
GITHUB_RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every file of one release; `version` names it where its addresses would change."""

    files: tuple[RemoteFile, ...]
    version: str | None = None


AskCatalogue = Callable[[Connection, str | None], Catalogue]
"""Called with the version that an earlier call fetched of, or None."""


def at_addresses(folder: str, *names: str) -> AskCatalogue:
    """Files at fixed addresses of a publisher who has no catalogue; sizes are asked one by one."""

    def ask(connection: Connection, version: str | None) -> Catalogue:
        urls = {name: f"{folder}/{quote(name)}" for name in names}
        return Catalogue(
            tuple(RemoteFile(name, url, connection.size(url)) for name, url in urls.items())
        )

    return ask


def zenodo(record: str, api: str = ZENODO) -> AskCatalogue:
    """The files of a Zenodo record, which never changes; with MD5."""

    def ask(connection: Connection, version: str | None) -> Catalogue:
        url = f"{api}/{record}"
        answer = connection.json(url)
        return _catalogue(
            url,
            lambda: [
                RemoteFile(
                    _text(f["key"]), _text(f["links"]["self"]), int(f["size"]), _text(f["checksum"])
                )
                for f in answer["files"]
            ],
        )

    return ask


def mendeley(dataset: str, version: int, api: str = MENDELEY) -> AskCatalogue:
    """The files at the root of one version of a Mendeley dataset; with SHA-256."""

    def ask(connection: Connection, _: str | None) -> Catalogue:
        url = f"{api}/{dataset}/files?folder_id=root&version={version}"
        answer = connection.json(url)
        return _catalogue(
            url,
            lambda: [
                RemoteFile(
                    _text(f["filename"]),
                    _text(f["content_details"]["download_url"]),
                    int(f["size"]),
                    f"sha256:{_text(f['content_details']['sha256_hash'])}",
                )
                for f in answer
            ],
        )

    return ask


def github(
    repository: str, branch: str, api: str = GITHUB_API, raw: str = GITHUB_RAW
) -> AskCatalogue:
    """The files of a GitHub repository at one commit; with git's own SHA-1.

    A first call takes the newest commit of `branch`; a later one stays with it.
    """

    def ask(connection: Connection, version: str | None) -> Catalogue:
        if version is None:
            url = f"{api}/{repository}/commits/{branch}"
            version = connection.json(url).get("sha")
        if not isinstance(version, str) or not re.fullmatch(r"[0-9a-f]{40,64}", version):
            raise FetchError(f"No commit: {version!r}", where=f"{api}/{repository}")
        url = f"{api}/{repository}/git/trees/{version}?recursive=1"
        tree = connection.json(url)
        if tree.get("truncated"):
            raise FetchError(
                "GitHub lists only a part of the repository",
                where=plain_address(url),
                next_step="clone the repository with git instead",
            )
        return _catalogue(
            url,
            lambda: [
                RemoteFile(
                    _text(f["path"]),
                    f"{raw}/{repository}/{version}/{quote(f['path'])}",
                    int(f["size"]),
                    f"{GIT_BLOB}:{_text(f['sha'])}",
                )
                for f in tree["tree"]
                if f["type"] == "blob"
            ],
            version,
        )

    return ask


def _catalogue(
    url: str, read: Callable[[], list[RemoteFile]], version: str | None = None
) -> Catalogue:
    """Check what a catalogue lists.

    Raises:
        FetchError: it lacks what is read, or a name or checksum cannot be used.
    """
    where = plain_address(url)
    try:
        files = read()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FetchError(
            f"The publisher's catalogue is not as expected: {error!r}",
            where=where,
            expected="files with name, address, size and checksum",
            next_step="report it; until then download the files with a browser",
        ) from error
    for file in files:
        safe_parts(file.name, where)
        if file.checksum is not None:
            check_known(file.checksum, where)
    return Catalogue(tuple(files), version)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"no text: {value!r}")
    return value

"""Ask a publisher's server politely: retries with back-off, safe redirects, errors to act on."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from respllm.datasets.fetching.errors import FetchError
from respllm.version import __version__

# Mendeley Data refuses clients that name only a programming library.
USER_AGENT = f"Mozilla/5.0 (compatible; respllm/{__version__}; research)"
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same question may be answered."""
DROPPED = (requests.ConnectionError, requests.Timeout, HTTPError, ConnectionError, TimeoutError)
"""What a lost connection raises, before the answer (requests) and within it (urllib3)."""
LARGEST_CATALOGUE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on with a server that fails.

    Attributes:
        failures: failures in a row, without a byte gained between them, after which to give up.
        wait: seconds before the first retry; doubled for each further one.
        longest: seconds that are waited at most, whatever the server asks for.
        silence: seconds without a byte after which a connection counts as lost.
    """

    failures: int = 6
    wait: float = 1.0
    longest: float = 120.0
    silence: float = 60.0


class Connection:
    """Requests to publishers' servers. Proxies are taken from the environment, as usual.

    Args:
        schemes: those that a first address may have; a redirect never goes from https to http.
    """

    def __init__(
        self, patience: Patience | None = None, schemes: tuple[str, ...] = ("https",)
    ) -> None:
        self.patience = patience or Patience()
        self._schemes = schemes
        self._session = _Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})

    def request(
        self, url: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> requests.Response:
        """One request, not repeated; the body is not read yet.

        Raises:
            FetchError: an address that may not be asked, a certificate that is not trusted.
            requests.ConnectionError, requests.Timeout: the connection was lost.
        """
        if _scheme(url) not in self._schemes:
            raise FetchError(
                "The address is not encrypted",
                where=plain_address(url),
                expected=f"an address that starts with {' or '.join(self._schemes)}",
                next_step="report it: the publisher's catalogue should not name it",
            )
        try:
            return self._session.request(
                method,
                url,
                headers=dict(headers or {}),
                stream=True,
                allow_redirects=True,
                timeout=(min(15.0, self.patience.silence), self.patience.silence),
            )
        except requests.RequestException as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                what = "The server's certificate is not trusted (it may have expired)"
            elif isinstance(error, requests.TooManyRedirects):
                what = "The server redirects without end"
            elif isinstance(error, DROPPED):
                raise
            else:
                what = f"The address cannot be asked ({type(error).__name__})"
            raise FetchError(what, where=plain_address(url), next_step=BY_HAND) from error

    def repeat(self, url: str, once: Callable[[], bool]) -> None:
        """Call `once` until it returns True; after False or a lost connection, wait and go on.

        `once` raises `Busy` for an answer of `PASSING`, and `Gained` when it was cut short but got
        further than ever before: then the count of failures starts again.

        Raises:
            FetchError: too many failures in a row, or the server asks to wait too long.
        """
        failures = 0
        while True:
            problem, stated = "the connection was lost", None
            try:
                if once():
                    return
            except Gained:
                failures = 0
            except Busy as busy:
                problem, stated = f"the server answers {busy.status}", busy.seconds
            except (requests.ConnectionError, requests.Timeout):
                problem = "the server cannot be reached (behind a proxy, set HTTPS_PROXY)"
            except DROPPED as error:
                problem = f"the connection was lost ({type(error).__name__})"
            failures += 1
            if failures > self.patience.failures:
                raise FetchError(
                    f"Given up after {failures} failures in a row: {problem}",
                    where=plain_address(url),
                    next_step="try again later; what was fetched is kept",
                )
            if stated is not None and stated > self.patience.longest:
                raise FetchError(
                    f"The server asks to wait {stated:.0f} s",
                    where=plain_address(url),
                    next_step="run the command again after that time; what was fetched is kept",
                )
            backed_off = min(self.patience.wait * 2 ** (failures - 1), self.patience.longest)
            time.sleep(stated or backed_off * random.uniform(0.8, 1.2))

    def json(self, url: str) -> Any:
        """A catalogue in JSON.

        Raises:
            FetchError: the server refuses or fails, or answers something else.
        """
        content = b""

        def once() -> bool:
            nonlocal content
            with self.request(url, {"Accept": "application/json"}) as answer:
                check_answer(answer, url)
                content = answer.raw.read(LARGEST_CATALOGUE + 1, decode_content=True)
            return True

        self.repeat(url, once)
        try:
            if len(content) > LARGEST_CATALOGUE:
                raise ValueError("too long")
            return json.loads(content)
        except ValueError as error:
            raise FetchError(
                "The publisher's catalogue is not JSON",
                where=plain_address(url),
                next_step="try again later; a network that asks for a login answers like this",
            ) from error

    def size(self, url: str) -> int | None:
        """The bytes of a file, asked once; None where the server does not say or is not there."""
        try:
            with self.request(url, method="HEAD") as answer:
                stated = answer.headers.get("Content-Length", "")
                return int(stated) if answer.ok and stated.isdecimal() else None
        except (FetchError, *DROPPED):
            return None


BY_HAND = (
    "try again later, or download the file with a browser and put it, under its own name, into "
    "the dataset's downloads folder"
)


class Busy(Exception):  # noqa: N818
    """A server that may answer later; `seconds` is the time it asks to wait."""

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.seconds = seconds


class Gained(Exception):  # noqa: N818
    """The connection was lost after new bytes had come."""


def check_answer(answer: requests.Response, url: str) -> None:
    """Let a good answer pass.

    Raises:
        Busy: it may be good later.
        FetchError: it never will.
    """
    status = answer.status_code
    if status in PASSING:
        raise Busy(status, _seconds(answer.headers.get("Retry-After", "")))
    if status in {200, 206}:
        return
    what, step = {
        401: ("The server wants a login", "see whether the publisher changed its terms"),
        403: ("The server forbids the download", BY_HAND),
        404: ("The file is not there any more", "see where the publisher's page offers it now"),
        410: ("The file was withdrawn", "see where the publisher's page offers it now"),
    }.get(status, ("The server refuses the download", BY_HAND))
    raise FetchError(f"{what} (HTTP {status})", where=plain_address(url), next_step=step)


def plain_address(url: str) -> str:
    """An address without its query, which may hold a signature."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()


def _seconds(stated: str) -> float | None:
    """What a Retry-After header asks for: seconds, or a date."""
    if stated.strip().isdecimal():
        return float(stated)
    try:
        return max(0.0, parsedate_to_datetime(stated).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


class _Session(requests.Session):
    """Follows redirects to http(s) only, and never from https to http."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = 10

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        try:
            before, after = _scheme(resp.url), _scheme(urljoin(resp.url, target))
        except ValueError:
            before, after = _scheme(resp.url), ""
        if after not in {"http", "https"} or (before == "https" and after == "http"):
            raise FetchError(
                f"The server redirects from {before} to {after or 'nowhere'}",
                where=plain_address(resp.url),
                expected="a redirect that stays encrypted",
                next_step=BY_HAND,
            )
        return target

"""Downloads against a server that drops, ignores, truncates, redirects, refuses and changes."""

from __future__ import annotations

import hashlib
import random
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from respllm.datasets.fetching import Connection, FetchError, Patience, RemoteFile
from respllm.datasets.fetching.checksums import GIT_BLOB, digests
from respllm.datasets.fetching.downloading import download, part_size
from tests.datasets.serving import Fault, Site, serving

CONTENT = random.Random(0).randbytes(300_000)
QUICK = Patience(failures=3, wait=0.001, longest=0.05, silence=5)


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def site(server: Site) -> Site:
    server.__dict__.update(Site(url=server.url).__dict__)
    server.files["/a"] = CONTENT
    return server


@pytest.fixture
def connection() -> Connection:
    return Connection(QUICK, schemes=("http",))


def offered(site: Site, **known: object) -> RemoteFile:
    return RemoteFile("a", f"{site.url}/a", **known)  # type: ignore[arg-type]


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_file_comes_whole_and_is_told_about(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int | None]] = []
    file = offered(site, size=len(CONTENT), checksum=sha256(CONTENT))
    done = download(connection, file, tmp_path / "a", lambda *call: seen.append(call))
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert (done.size, done.sha256, done.notes) == (len(CONTENT), sha256(CONTENT), ())
    assert ("a", len(CONTENT), len(CONTENT)) in seen
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_empty_file_comes_whole(site: Site, connection: Connection, tmp_path: Path) -> None:
    site.files["/a"] = b""
    assert download(connection, offered(site), tmp_path / "a").size == 0
    assert (tmp_path / "a").read_bytes() == b""


def test_a_dropped_connection_is_resumed_where_it_was(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    # More drops than failures are allowed in a row: each one gains something.
    site.faults["/a"] = [Fault(drop_after=20_000) for _ in range(9)]
    download(connection, offered(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    requests = site.requests("/a")
    assert [request.start for request in requests] == [20_000 * i for i in range(10)]


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    drops=st.lists(st.integers(0, 60_000), max_size=6),
    ranges=st.booleans(),
    validators=st.booleans(),
    stated=st.booleans(),
    published=st.booleans(),
)
def test_whatever_the_server_does_the_bytes_are_right_or_an_error_is_clear(
    server: Site,
    tmp_path_factory: pytest.TempPathFactory,
    drops: list[int],
    ranges: bool,
    validators: bool,
    stated: bool,
    published: bool,
) -> None:
    content = CONTENT[:50_000]
    server.__dict__.update(
        Site(url=server.url, ranges=ranges, validators=validators, stated=stated).__dict__
    )
    server.files["/a"] = content
    server.faults["/a"] = [Fault(drop_after=drop) for drop in drops]
    file = offered(
        server,
        size=len(content) if published or not stated else None,
        checksum=sha256(content) if published else None,
    )
    target = tmp_path_factory.mktemp("drops") / "a"
    try:
        download(Connection(QUICK, schemes=("http",)), file, target)
    except FetchError:
        assert not target.exists()
        assert len(drops) > QUICK.failures
    else:
        assert target.read_bytes() == content


def test_a_server_that_ignores_ranges_starts_the_file_over(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    site.ranges = False
    site.faults["/a"] = [Fault(drop_after=100_000)]
    done = download(connection, offered(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert done.notes == ("a was started over: its server ignores ranges",)


@pytest.mark.parametrize(
    "stated", ["bytes 5-299999/300000", "bytes 20000-299999/400000", "bytes */300000", ""]
)
def test_an_answer_with_other_bytes_than_asked_for_starts_over(
    site: Site, connection: Connection, tmp_path: Path, stated: str
) -> None:
    other = Fault(status=206, headers={"Content-Range": stated})
    site.faults["/a"] = [Fault(drop_after=20_000), other]
    done = download(connection, offered(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert "started over" in done.notes[0]
    assert site.requests("/a")[-1].start == 0


def test_a_server_that_never_gets_further_is_given_up(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    site.ranges = False
    site.faults["/a"] = [Fault(drop_after=100_000) for _ in range(99)]
    with pytest.raises(FetchError, match="Given up after 4 failures in a row"):
        download(connection, offered(site), tmp_path / "a")
    assert len(site.log) <= 6


def test_a_server_that_is_not_there_is_told_apart(connection: Connection, tmp_path: Path) -> None:
    with serving() as gone:
        url = f"{gone.url}/a"
    with pytest.raises(FetchError, match=r"cannot be reached.*HTTPS_PROXY"):
        download(connection, RemoteFile("a", url), tmp_path / "a")


def test_a_file_that_changes_between_two_attempts_is_noticed(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    site.faults["/a"] = [Fault(drop_after=100_000), *(Fault(status=500) for _ in range(4))]
    with pytest.raises(FetchError, match="the server answers 500"):
        download(connection, offered(site), tmp_path / "a")
    assert part_size(tmp_path / "a") == 100_000
    changed = CONTENT[::-1]
    site.files["/a"] = changed
    done = download(connection, offered(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == changed
    assert done.notes == ("a was started over: the file changed at its source",)


def test_without_a_validator_nothing_is_mixed(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    site.validators = False
    site.faults["/a"] = [Fault(drop_after=100_000), Fault(drop_after=0)]
    changed = CONTENT[::-1]

    file = offered(site)
    with pytest.raises(FetchError):
        download(Connection(Patience(0, 0.001, 1, 5), ("http",)), file, tmp_path / "a")
    site.files["/a"] = changed
    download(connection, file, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == changed


def test_wrong_bytes_are_fetched_once_more_and_then_refused(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    wrong = b"x" * len(CONTENT)
    file = offered(site, size=len(CONTENT), checksum=sha256(CONTENT))
    site.faults["/a"] = [Fault(content=wrong)]
    assert "not those published" in download(connection, file, tmp_path / "a").notes[0]
    (tmp_path / "a").unlink()
    site.faults["/a"] = [Fault(content=wrong), Fault(content=wrong)]
    with pytest.raises(FetchError, match=r"came twice with another checksum.*/a"):
        download(connection, file, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_page_instead_of_the_file_is_refused(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    site.faults["/a"] = [Fault(content=b"<html>please log in</html>")]
    with pytest.raises(FetchError, match="a has 26 bytes at its source"):
        download(connection, offered(site, size=len(CONTENT)), tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(
    site: Site, connection: Connection, tmp_path: Path, status: int
) -> None:
    site.faults["/a"] = [Fault(status=status), Fault(status=status)]
    download(connection, offered(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"wants a login \(HTTP 401\)"),
        (403, r"forbids the download \(HTTP 403\).*browser"),
        (404, r"not there any more \(HTTP 404\).*publisher's page"),
        (410, r"withdrawn \(HTTP 410\)"),
        (418, r"refuses the download \(HTTP 418\)"),
    ],
)
def test_a_refusal_is_explained_and_not_repeated(
    site: Site, connection: Connection, tmp_path: Path, status: int, message: str
) -> None:
    site.faults["/a"] = [Fault(status=status)]
    with pytest.raises(FetchError, match=message) as error:
        download(connection, offered(site), tmp_path / "a")
    assert error.value.where == f"{site.url}/a"
    assert len(site.log) == 1


def test_retry_after_is_heeded_but_not_for_long(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    patient = Connection(Patience(failures=3, wait=0.001, longest=2, silence=5), ("http",))
    site.faults["/a"] = [Fault(status=429, headers={"Retry-After": "1"})]
    begun = time.monotonic()
    download(patient, offered(site), tmp_path / "a")
    assert 1 <= time.monotonic() - begun < 2
    (tmp_path / "a").unlink()
    for stated in ("3600", "Fri, 31 Dec 2100 23:59:59 GMT"):
        site.faults["/a"] = [Fault(status=503, headers={"Retry-After": stated})]
        with pytest.raises(FetchError, match=r"asks to wait \d+ s"):
            download(connection, offered(site), tmp_path / "a")


def test_redirects_are_followed_to_http_only(
    site: Site, connection: Connection, tmp_path: Path
) -> None:
    site.faults["/a"] = [Fault(status=302, headers={"Location": "/b"})]
    site.files["/b"] = b"there"
    download(connection, offered(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"there"
    for location in ("ftp://127.0.0.1/a", "file:///etc/passwd"):
        site.faults["/a"] = [Fault(status=302, headers={"Location": location})]
        with pytest.raises(FetchError, match=r"redirects from http to (ftp|file)"):
            download(connection, offered(site), tmp_path / "b")
    site.faults["/a"] = [Fault(status=302, headers={"Location": "/a"}) for _ in range(20)]
    with pytest.raises(FetchError, match="redirects without end"):
        download(connection, offered(site), tmp_path / "b")


def test_a_redirect_never_loses_encryption() -> None:
    import requests

    from respllm.datasets.fetching.connecting import _Session

    answer = requests.Response()
    answer.status_code = 302
    answer.url = "https://publisher.example/a?signature=secret"
    answer.headers["location"] = "http://publisher.example/a"
    with pytest.raises(FetchError, match="redirects from https to http") as error:
        _Session().get_redirect_target(answer)
    assert "secret" not in str(error.value)
    answer.headers["location"] = "//elsewhere.example/a"
    assert _Session().get_redirect_target(answer) == "//elsewhere.example/a"


def test_only_encrypted_addresses_are_asked(tmp_path: Path, site: Site) -> None:
    with pytest.raises(FetchError, match="not encrypted"):
        download(Connection(QUICK), offered(site), tmp_path / "a")
    assert site.log == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_a_certificate_that_is_not_trusted_is_explained(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    subprocess.run(
        [*make, "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as site:
        file = RemoteFile("a", f"{site.url.replace('http:', 'https:')}/a")
        with pytest.raises(FetchError, match=r"certificate is not trusted.*downloads folder"):
            download(Connection(QUICK), file, tmp_path / "a")
        assert Connection(QUICK).size(file.url) is None


@pytest.mark.parametrize("url", ["http://", "http:///a", "http://[::1/a", "http://a b/"])
def test_an_address_that_is_none_is_a_typed_error(
    connection: Connection, tmp_path: Path, url: str
) -> None:
    with pytest.raises(FetchError):
        download(connection, RemoteFile("a", url), tmp_path / "a")


def test_a_packed_answer_is_refused(site: Site, connection: Connection, tmp_path: Path) -> None:
    def part_of(path: Path) -> RemoteFile:
        return RemoteFile(path.name, f"{site.url}/a")

    site.faults["/a"] = [Fault(status=200, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(FetchError, match="sends the file packed"):
        download(connection, part_of(tmp_path / "a"), tmp_path / "a")


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"total": "many"}'])
def test_a_damaged_note_of_what_is_here_starts_over(
    site: Site, connection: Connection, tmp_path: Path, garbage: bytes
) -> None:
    (tmp_path / "a.part").write_bytes(b"z" * 1000)
    (tmp_path / "a.part.json").write_bytes(garbage)
    download(connection, offered(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_checksums_are_those_of_git_and_of_the_usual_tools(tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(b"hello\n")
    known = {
        "md5": "b1946ac92492d2347c6235b4d2611184",
        "sha1": "f572d396fae9206628714fb2ce00f72e94f2258f",
        GIT_BLOB: "ce013625030ba8dba906f756967f9e9ca394464a",
    }
    for algorithm, digits in known.items():
        ours, theirs = digests(path, f"{algorithm}:{digits}")
        assert theirs == f"{algorithm}:{digits}"
        assert ours == sha256(b"hello\n")

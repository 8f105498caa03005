"""Nobody asks from another place, or without the token where there is one."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from respllm.errors import ConfigError
from respllm.server.settings import Settings
from tests.server.conftest import Served, problem, wav

TOKEN = "a-token-of-32-characters-or-more"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "[::1]:8000", "LOCALHOST"])
def test_a_name_of_this_machine_is_known(http: TestClient, host: str) -> None:
    assert http.get("/v1/tasks", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "[::2]", "0"]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/tasks", "/page/app.js"])
def test_a_name_that_was_bound_to_this_address_elsewhere_is_not(
    http: TestClient, host: str, path: str
) -> None:
    problem(http.get(path, headers={"Host": host}), 403, "foreign")


def test_no_host_or_two(http: TestClient) -> None:
    problem(http.get("/healthz", headers={"Host": ""}), 403, "foreign")
    two = [("Host", "127.0.0.1"), ("Host", "evil.example")]
    problem(http.get("/healthz", headers=two), 400, "bad-request")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Origin": "file://"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_place_may_not_ask(http: TestClient, headers: dict[str, str]) -> None:
    files = {"audio": ("a.wav", wav())}
    problem(http.post("/v1/listen", files=files, headers=headers), 403, "foreign")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://127.0.0.1:80"},
        {"Origin": "http://localhost:8000", "Host": "localhost:8000"},
    ],
)
def test_the_own_page_may(http: TestClient, headers: dict[str, str]) -> None:
    files = {"audio": ("a.wav", wav())}
    assert http.post("/v1/listen", files=files, headers=headers).status_code == 200


def test_the_token_opens_everything_but_the_page_and_the_probes(served: Served) -> None:
    http = served(token=TOKEN)
    for path in ("/healthz", "/readyz"):
        assert http.get(path).status_code == 200
    assert http.get("/").status_code in (200, 404)
    closed = ("/v1/tasks", "/v1/examples/cough-1", "/metrics", "/openapi.json", "/nothing")
    for path in closed:
        for stated in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = http.get(path, headers=stated)
            problem(answer, 401, "token")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert http.get(f"{path}?token={TOKEN}").status_code == 401, "never in an address"
        right = http.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert right.status_code == (404 if path == "/nothing" else 200)
    twice = [("Authorization", "Bearer x"), ("Authorization", f"Bearer {TOKEN}")]
    problem(http.get("/v1/tasks", headers=twice), 401, "token")


def test_names_that_the_service_was_started_for(served: Served) -> None:
    http = served(allowed_hosts=("Ward.example",))
    assert http.get("/healthz", headers={"Host": "ward.example:8443"}).status_code == 200
    problem(http.get("/healthz", headers={"Host": "127.0.0.1"}), 403, "foreign")


@pytest.mark.parametrize(
    "changed",
    [
        {"token": "short"},
        {"token": "with a space in the middle"},
        {"token": "a-tökén-of-32-characters-or-more"},
        {"allowed_hosts": ()},
        {"max_seconds": 0},
        {"answer_seconds": float("nan")},
        {"max_waiting": -1},
    ],
)
def test_settings_that_cannot_be_kept_to(changed: dict) -> None:
    with pytest.raises(ConfigError):
        Settings(**changed)

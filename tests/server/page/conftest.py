"""The page in a real Chromium, served by the real service with a small run."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from respllm.inference.answering import Answerer
from respllm.server.app import create_app
from respllm.server.service import Service, card_of, results_of
from respllm.server.settings import Settings
from tests.audio.sounds import encoded, noise

TIMEOUT_MS = 10_000
TOKEN = "a-token-for-tests-only-0123456789"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")

Launch = Callable[..., Browser]
Serve = Callable[[Settings], str]


@pytest.fixture(scope="session")
def serve(trained_run: Path) -> Iterator[Serve]:
    """`serve(settings)` starts the service over a small run and gives its address."""
    answerer = Answerer.from_pretrained(trained_run, allow_simulated_model=True)
    results = results_of(str(trained_run), answerer.predictor.checkpoint.config.protocol)
    with ExitStack() as stack:

        def start(settings: Settings) -> str:
            service = Service(answerer, settings, results, card_of(str(trained_run)))
            return stack.enter_context(_serving(service))

        yield start


@contextmanager
def _serving(service: Service) -> Iterator[str]:
    config = uvicorn.Config(create_app(service), ws="none", lifespan="on", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def address(serve: Serve) -> str:
    """A service that answers for any recording, and says that it means nothing."""
    return serve(Settings(allow_simulated_model=True))


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """`launch(*flags)` starts a Chromium; the test is skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"no browser on the path: {', '.join(names)}")
    with sync_playwright() as playwright, ExitStack() as stack:

        def start(*flags: str) -> Browser:
            browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
            stack.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="session")
def browser(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """A Chromium whose microphone hears noise."""
    file = tmp_path_factory.mktemp("microphone") / "noise.wav"
    file.write_bytes(encoded(noise(5), 16_000, "wav"))
    return launch(*MICROPHONE, f"--use-file-for-fake-audio-capture={file}")


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A tab, not yet at the page. At the end: no error, and nothing left the origin."""
    with watched(browser, address) as page:
        yield page


@contextmanager
def watched(browser: Browser, address: str) -> Iterator[Page]:
    """A tab that may neither fail nor ask anybody but the service."""
    context = browser.new_context(viewport={"width": 1180, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    errors: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if _bad(message) else None)
    page.on("request", lambda r: None if _own(r.url, address) else foreign.append(r.url))
    yield page
    context.close()
    assert not errors
    assert not foreign


def _bad(message: object) -> bool:
    # The browser's own line for an answer that is an error; what the page makes of it is tested.
    text = getattr(message, "text", "")
    return getattr(message, "type", "") == "error" and not text.startswith("Failed to load")


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "blob:", "data:"))

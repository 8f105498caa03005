"""What goes wrong is said where it happened, in words, with what to do next."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from respllm.server.settings import Settings
from tests.server.page.conftest import TOKEN, Launch, Serve, watched
from tests.server.page.visiting import ANSWER, ask_about, open_file, reply, sound_file, visit


def test_a_busy_service_is_asked_again_after_a_visible_wait(page: Page, address: str) -> None:
    refusals = iter([2])

    def busy_once(route: Route) -> None:
        if next(refusals, None):
            reply({"title": "Busy", "status": 429}, 429, **{"Retry-After": "2"})(route)
        else:
            route.continue_()

    page.route("**/v1/predict", busy_once)
    visit(page, address)
    open_file(page, sound_file())
    began = time.monotonic()
    page.get_by_label("Ask about", exact=True).first.select_option("S7")
    page.get_by_role("button", name="Ask the model").click()
    waiting = page.get_by_role("group", name="Waiting for the service")
    expect(waiting).to_contain_text("Next try in 2 s.")
    expect(waiting).to_contain_text("Next try in 1 s.")
    page.locator(".answer").wait_for()
    assert time.monotonic() - began > 1.9
    expect(waiting).to_have_count(0)


def test_a_wait_can_be_stopped_and_tried_again(page: Page, address: str) -> None:
    busy = reply({"title": "The queue is full", "status": 429}, 429, **{"Retry-After": "60"})
    page.route("**/v1/predict", busy)
    visit(page, address)
    open_file(page, sound_file())
    page.get_by_label("Ask about", exact=True).first.select_option("S7")
    page.get_by_role("button", name="Ask the model").click()
    page.get_by_role("button", name="Stop waiting").click()
    expect(page.get_by_role("alert")).to_contain_text("The queue is full.")
    page.unroute("**/v1/predict")
    page.get_by_role("button", name="Try again").click()
    page.locator(".answer").wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.fixture(scope="module")
def guarded(serve: Serve) -> str:
    return serve(Settings(token=TOKEN, allow_simulated_model=True))


@pytest.fixture
def guarded_page(browser: object, guarded: str) -> Iterator[Page]:
    with watched(browser, guarded) as page:  # type: ignore[arg-type]
        yield page


def test_the_token_is_asked_for_once_and_kept_nowhere(guarded_page: Page, guarded: str) -> None:
    page = guarded_page
    page.goto(guarded)
    dialog = page.get_by_role("dialog", name="This service asks for a token")
    expect(dialog.get_by_label("Token")).to_be_focused()
    dialog.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("not accepted")
    dialog.get_by_label("Token").fill(TOKEN)
    dialog.get_by_role("button", name="Use it").click()
    page.wait_for_selector("body[data-ready]")
    open_file(page, sound_file())
    ask_about(page, "S7")
    expect(dialog).to_have_count(0)
    kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert kept == [0, 0, ""]
    assert TOKEN not in page.url


def test_without_the_token_nothing_is_shown_but_why(guarded_page: Page, guarded: str) -> None:
    page = guarded_page
    page.goto(guarded)
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_contain_text("token")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("textbox", name="Token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")


def test_a_simulated_model_offers_its_examples_only(serve: Serve, browser: object) -> None:
    address = serve(Settings())
    with watched(browser, address) as page:  # type: ignore[arg-type]
        visit(page, address)
        expect(page.locator("#simulated")).to_contain_text("does not answer for real recordings")
        expect(page.get_by_text("--allow-simulated-model")).to_be_visible()
        expect(page.get_by_role("button", name="Record", exact=True)).to_have_count(0)
        expect(page.locator("#audio-file")).to_have_count(0)
        page.get_by_role("button", name="A lung sound, with COPD").click()
        page.locator(".answer").wait_for()
        expect(page.locator(".answer .nothing")).to_have_count(0)


def test_what_cannot_be_decoded_is_said(page: Page, address: str) -> None:
    visit(page, address)
    file = sound_file("notes.wav")
    file["buffer"] = b"This is a text." * 100
    card = open_file(page, file)
    expect(card.get_by_role("alert")).to_contain_text("Next:")
    expect(card.locator("canvas")).to_have_count(0)
    file["buffer"] = b""
    page.set_input_files("#audio-file", files=[file])
    expect(page.locator("#intake-problem")).to_contain_text("The file is empty")


def test_what_is_too_large_is_refused_before_it_is_sent(page: Page, address: str) -> None:
    def small(route: Route) -> None:
        answer = route.fetch()
        model = answer.json()
        model["limits"]["max_upload_bytes"] = 50_000
        route.fulfill(response=answer, json=model)

    page.route("**/v1/model", small)
    visit(page, address)
    page.set_input_files("#audio-file", files=[sound_file()])
    expect(page.get_by_role("alert")).to_contain_text("too large: 128 kB")
    expect(page.get_by_role("alert")).to_contain_text("at most 50 kB")
    expect(page.locator("#recordings .card")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (413, "The file is too large"),
        (415, "The service cannot read this file"),
        (403, "The service refuses this"),
        (500, "The service failed"),
        (503, "The service is shutting down"),
    ],
)
def test_a_refusal_without_words_gets_words(
    page: Page, address: str, status: int, title: str
) -> None:
    page.route("**/v1/listen", lambda route: route.fulfill(status=status, body="<b>no</b>"))
    visit(page, address)
    card = open_file(page, sound_file())
    expect(card.get_by_role("alert")).to_contain_text(title)
    expect(card.get_by_role("alert")).to_contain_text("Next:")
    page.unroute("**/v1/listen")
    card.get_by_role("button", name="Try again").click()
    card.locator(".quality.good").wait_for()


def test_a_service_that_is_gone_costs_nothing_entered(page: Page, address: str) -> None:
    visit(page, address)
    open_file(page, sound_file())
    page.get_by_label("Age in years").fill("63")
    page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
    page.get_by_label("Ask about", exact=True).first.select_option("S7")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
    expect(page.get_by_role("alert")).to_contain_text("still here")
    page.unroute("**/v1/**")
    page.get_by_role("button", name="Try again").click()
    page.locator(".answer").get_by_text("The exact words").click()
    expect(page.locator(".prompt")).to_contain_text("Age: 63.")


def test_a_page_without_its_service_starts_later(page: Page, address: str) -> None:
    page.route("**/v1/tasks", reply({"title": "Not ready", "detail": "x", "status": 503}, 503))
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("Not ready.")
    page.unroute("**/v1/tasks")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("body[data-ready]")
    assert page.locator("#examples").get_by_role("button").count() >= 1


def test_a_failed_attribution_leaves_the_answer(page: Page, address: str) -> None:
    page.route("**/v1/predict", reply(ANSWER))
    page.route("**/v1/attribute", reply({"title": "Too much", "status": 503}, 503))
    visit(page, address)
    open_file(page, sound_file())
    answer = ask_about(page, "S7")
    answer.get_by_role("button", name="Show where").click()
    expect(answer.get_by_role("alert")).to_contain_text("Too much.")
    expect(answer.locator(".verdict")).to_be_visible()
    expect(answer.get_by_role("button", name="Show where")).to_be_visible()


def test_a_refused_microphone_is_explained(launch: Launch, address: str) -> None:
    with watched(
        launch("--use-fake-device-for-media-stream", "--deny-permission-prompts"), address
    ) as page:
        visit(page, address)
        page.get_by_role("button", name="Record", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("microphone is not allowed")
        expect(page.get_by_role("alert")).to_contain_text("or open a file")


def test_a_missing_microphone_and_an_insecure_page_are_explained(page: Page, address: str) -> None:
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => {"
        "  throw new DOMException('', 'NotFoundError'); }"
    )
    visit(page, address)
    record = page.get_by_role("button", name="Record", exact=True)
    record.click()
    expect(page.get_by_role("alert")).to_contain_text("There is no microphone.")
    page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    record.click()
    expect(page.get_by_role("alert")).to_contain_text("secure pages only")
    expect(page.get_by_role("alert")).to_contain_text("https")

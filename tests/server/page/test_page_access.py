"""For everybody: by keyboard alone, at phone width, in light and dark, with a screen reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.server.page.test_page_cohort import STREAM, fill, send
from tests.server.page.visiting import (
    ANSWER,
    ATTRIBUTION,
    ask_about,
    open_file,
    reply,
    sound_file,
    visit,
)

BAD = {"serious", "critical"}


def first(page: Page, address: str) -> None:
    visit(page, address)
    page.get_by_text("About this model").click()


def recording(page: Page, address: str) -> None:
    visit(page, address)
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("meter").wait_for()


def answered(page: Page, address: str) -> None:
    texts = {"means_nothing": True, "task": ANSWER["task"] | {"validated": False}}
    page.route("**/v1/predict", reply(ANSWER | texts))
    page.route("**/v1/attribute", reply(ATTRIBUTION))
    visit(page, address)
    open_file(page, sound_file())
    open_file(page, sound_file("a_second_recording_with_a_long_name_that_does_not_break.wav", 0.5))
    page.get_by_role("group", name="Symptoms").get_by_role("button", name="more").click()
    answer = ask_about(page, "S7")
    page.get_by_role("button", name="Show where").first.click()
    page.locator(".attribution").wait_for()
    answer.get_by_text("The exact words").click()
    page.get_by_text("All words").click()
    page.get_by_label("Age in years").fill("too old")


def uncalibrated(page: Page, address: str) -> None:
    without = {"calibrated": None, "verdict": None, "why_uncalibrated": "no validation people"}
    page.route("**/v1/predict", reply(ANSWER | without))
    visit(page, address)
    open_file(page, sound_file())
    ask_about(page, "S7")


def undecided(page: Page, address: str) -> None:
    verdict = {"answer": "abstains", "level": 0.9, "text": "Both are possible"}
    page.route("**/v1/predict", reply(ANSWER | {"verdict": verdict}))
    visit(page, address)
    open_file(page, sound_file())
    page.get_by_label("Ask about", exact=True).first.select_option("other")
    page.get_by_label("Condition", exact=True).first.fill("croup")
    page.get_by_role("button", name="Ask the model").click()
    page.locator(".answer").wait_for()


def waiting(page: Page, address: str) -> None:
    page.route("**/v1/predict", reply({"title": "Busy"}, 429, **{"Retry-After": "60"}))
    visit(page, address)
    open_file(page, sound_file() | {"buffer": b"no sound"})
    open_file(page, sound_file())
    page.get_by_label("Ask about", exact=True).first.select_option("S7")
    page.get_by_role("button", name="Ask the model").click()
    page.get_by_role("button", name="Stop waiting").wait_for()


def token(page: Page, address: str) -> None:
    page.route("**/v1/model", reply({"title": "Token"}, 401))
    page.goto(address)
    page.get_by_role("dialog").wait_for()


def cohort(page: Page, address: str) -> None:
    page.add_init_script(STREAM)
    visit(page, address + "#cohort")
    page.get_by_text("What the table looks like").click()
    fill(page)
    page.get_by_role("button", name="Start").click()
    texts = {"verdict": ANSWER["verdict"] | {"answer": "no"}, "means_nothing": True}
    send(
        page,
        {"kind": "start", "rows": 4},
        {"kind": "answer", "row": 1, **ANSWER, "name": "a_long_name_of_a_recording_" * 3},
        {"kind": "answer", "row": 2, **ANSWER, **texts},
        {"kind": "refusal", "row": 3, "name": "a_long_name_" * 5, "reason": "It is silent"},
    )
    expect(page.locator("tbody tr")).to_have_count(2)


STATES = (first, recording, answered, uncalibrated, undecided, waiting, token, cohort)
State = Callable[[Page, str], None]


@pytest.mark.parametrize("state", STATES)
def test_everybody_can_use_every_state(page: Page, address: str, state: State) -> None:
    state(page, address)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        bad = [
            (scheme, one["id"], node["target"], node["failureSummary"])
            for one in found
            if one["impact"] in BAD
            for node in one["nodes"]
        ]
        assert not bad
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide == 360
    notice = page.get_by_text("Research only. Not a diagnosis.").first
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    if state is not token:
        expect(notice).to_be_in_viewport()


def test_an_answer_is_reached_by_keyboard_alone(page: Page, address: str) -> None:
    visit(page, address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("meter").wait_for()
    page.wait_for_timeout(300)
    page.keyboard.press("Space")
    page.locator(".quality").wait_for()
    expect(page.locator("#recordings h3")).to_be_focused()
    order = _tab_until(page, "Age in years")
    assert order[:4] == ["Record again", "Remove Recording 1", "Play Recording 1", "Position in"]
    page.keyboard.type("63")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # none of these symptoms
    expect(page.get_by_role("group", name="Symptoms")).to_contain_text("stated: none")
    _tab_until(page, "Ask about")
    page.keyboard.type("COPD")
    _tab_until(page, "Ask the model")
    page.keyboard.press("Enter")
    page.locator(".answer").wait_for()
    expect(page.locator(".answer h3")).to_be_focused()
    _tab_until(page, "Show where in the sound and in which words")
    page.keyboard.press("Enter")
    page.locator(".attribution").wait_for()


def test_focus_is_always_visible_and_never_trapped(page: Page, address: str) -> None:
    visit(page, address)
    open_file(page, sound_file())
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    seen = 0
    for _ in range(90):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        seen += 1
        assert page.evaluate(OUTLINED), page.evaluate("document.activeElement.outerHTML")
    else:
        pytest.fail("the Tab key never leaves the page")
    assert seen > 25


OUTLINED = """() => {
  const here = document.activeElement;
  const dressed = [here, here.nextElementSibling].filter(Boolean);
  return dressed.some((e) => getComputedStyle(e).outlineStyle !== "none"
    && parseFloat(getComputedStyle(e).outlineWidth) >= 2);
}"""


def _tab_until(page: Page, name: str) -> list[str]:
    """Press Tab until an element with this name has the focus; the names on the way."""
    names = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                """() => { const e = document.activeElement;
                return (e.getAttribute("aria-label") || e.labels?.[0]?.textContent
                  || e.textContent).trim(); }"""
            )
        )
        if names[-1].startswith(name):
            return [one[: len("Position in")] if "Position" in one else one for one in names]
    pytest.fail(f"{name} is not reached: {names}")

"""One person: record, open or try; state; ask; read the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.audio.sounds import encoded, tone
from tests.server.page.visiting import (
    ANSWER,
    ATTRIBUTION,
    ask_about,
    open_file,
    reply,
    sound_file,
    until,
    visit,
)


def test_an_example_gives_a_result_in_one_click(page: Page, address: str) -> None:
    visit(page, address)
    page.get_by_role("button", name="A lung sound, with COPD").click()
    answer = page.locator(".answer")
    answer.wait_for()
    expect(answer.locator(".asked")).to_have_text("COPD from lung sounds")
    expect(answer.locator(".verdict")).to_be_visible()
    assert 0 <= float(answer.locator(".number strong").inner_text().split()[-1]) <= 1
    expect(answer.locator(".truth")).to_contain_text("yes")
    expect(page.get_by_text("Research only. Not a diagnosis.").first).to_be_in_viewport()
    assert _painted(page.locator("#recordings canvas"))
    expect(page.locator(".segments input:checked + span")).not_to_have_text("Not stated")
    expect(page.locator("#announcer")).to_contain_text("COPD from lung sounds:")
    assert page.evaluate("document.activeElement.closest('.answer') !== null")


def test_a_recording_from_the_microphone_gives_a_result(page: Page, address: str) -> None:
    visit(page, address)
    page.get_by_role("button", name="Record", exact=True).click()
    meter = page.get_by_role("meter", name="Level")
    meter.wait_for()
    until(lambda: int(meter.get_attribute("aria-valuenow") or -60) > -40)
    page.wait_for_timeout(1300)
    page.keyboard.press("Space")
    card = page.locator("#recordings .card")
    card.locator(".quality").wait_for()
    expect(card.get_by_role("heading")).to_be_focused()
    expect(card.locator(".quality")).to_contain_text("Good to use")
    answer = ask_about(page, "S7")
    expect(answer).to_contain_text("This number means nothing about this person.")
    expect(page.get_by_role("meter")).to_be_hidden()


def test_a_recording_can_be_thrown_away_or_made_again(page: Page, address: str) -> None:
    visit(page, address)
    record = page.get_by_role("button", name="Record", exact=True)
    record.click()
    page.get_by_role("meter").wait_for()
    page.keyboard.press("Escape")
    expect(record).to_be_focused()
    expect(page.locator("#heard")).to_be_hidden()
    record.click()
    page.get_by_role("meter").wait_for()
    page.wait_for_timeout(400)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Record again").click()
    page.get_by_role("meter").wait_for()
    expect(page.locator("#recordings .card")).to_have_count(0)


def test_a_recording_stops_at_the_longest_length(page: Page, address: str) -> None:
    def shorten(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined]
        model = answer.json()
        model["limits"]["max_seconds"] = 1
        route.fulfill(response=answer, json=model)  # type: ignore[attr-defined]

    page.route("**/v1/model", shorten)
    visit(page, address)
    page.get_by_role("button", name="Record", exact=True).click()
    card = page.locator("#recordings .card")
    card.locator(".quality").wait_for()
    assert 0.7 < float(card.locator(".time").inner_text().split("/")[1].split()[0]) < 1.6


def test_recordings_of_one_person_stand_side_by_side(page: Page, address: str) -> None:
    visit(page, address)
    first = open_file(page, sound_file("left.wav"))
    second = open_file(page, sound_file("right.wav", 1.5))
    _side_by_side(first, second)
    page.get_by_label("Age in years").fill("63")
    ask_about(page, "S7")
    answers = page.locator(".answer")
    expect(answers).to_have_count(2)
    _side_by_side(answers.nth(0), answers.nth(1))
    for answer in answers.all():
        answer.get_by_text("The exact words").click()
        expect(answer.locator(".prompt")).to_contain_text("Age: 63.")
    page.get_by_role("button", name="Remove left.wav").click()
    expect(answers).to_have_count(1)
    expect(answers.get_by_role("heading").first).to_have_text("right.wav")


def test_a_file_can_be_dropped(page: Page, address: str) -> None:
    visit(page, address)
    data = page.evaluate_handle(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dropped.wav"));
            return data;
        }""",
        list(sound_file()["buffer"]),
    )
    page.dispatch_event("#file", "drop", {"dataTransfer": data})
    expect(page.locator("#recordings h3")).to_have_text("dropped.wav")
    page.locator(".quality.good").wait_for()


def test_not_asked_is_not_none(page: Page, address: str) -> None:
    visit(page, address)
    open_file(page, sound_file())
    symptoms = page.get_by_role("group", name="Symptoms")
    history = page.get_by_role("group", name="Medical history")
    expect(symptoms).to_contain_text("not asked")
    answer = ask_about(page, "S7")
    answer.get_by_text("The exact words").click()
    expect(answer.locator("dt:text('Person') + dd")).to_have_text("nothing")
    symptoms.get_by_role("button", name="None of these").click()
    history.get_by_role("button", name="asthma", exact=True).click()
    history.get_by_label("In other words").fill("hay fever, gout")
    page.get_by_label("Female").check(force=True)
    page.get_by_label("Place on the chest").select_option("trachea")
    page.get_by_role("button", name="Ask the model").click()
    expect(answer.locator(".stale")).to_be_hidden()
    answer.get_by_text("The exact words").click()
    expect(answer.locator("dt:text('Person') + dd")).to_have_text(
        "Gender: Female. Patient presents with the following medical history conditions: "
        "asthma, hay fever, gout. Patient presents with no obvious respiratory symptoms. "
        "Record location: trachea."
    )


def test_a_wrong_age_is_said(page: Page, address: str) -> None:
    visit(page, address)
    open_file(page, sound_file())
    age = page.get_by_label("Age in years")
    for wrong in ("old", "-3", "130"):
        age.fill(wrong)
        expect(page.get_by_text("Expected: years from 0 to 120")).to_be_visible()
    page.get_by_label("Ask about", exact=True).first.select_option("S7")
    page.get_by_role("button", name="Ask the model").click()
    expect(age).to_be_focused()
    age.fill("45-64")
    expect(age).to_have_attribute("aria-invalid", "false")


def test_a_change_makes_an_answer_out_of_date(page: Page, address: str) -> None:
    visit(page, address)
    open_file(page, sound_file())
    answer = ask_about(page, "S7")
    expect(answer.locator(".stale")).to_be_hidden()
    page.get_by_label("Age in years").fill("70")
    expect(answer.locator(".stale")).to_be_visible()
    page.get_by_label("Age in years").fill("")
    expect(answer.locator(".stale")).to_be_hidden()


def test_another_condition_is_marked_unvalidated(page: Page, address: str) -> None:
    visit(page, address)
    open_file(page, sound_file())
    page.get_by_label("Ask about", exact=True).first.select_option("other")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no question yet")
    page.get_by_label("Condition", exact=True).first.fill("pneumonia")
    page.get_by_label("Heard in").first.select_option("lung sounds")
    page.get_by_role("button", name="Ask the model").click()
    answer = page.locator(".answer")
    expect(answer.locator(".asked")).to_have_text("pneumonia from lung sounds")
    expect(answer.locator(".unvalidated")).to_contain_text("UNVALIDATED")
    expect(answer.locator(".verdict")).to_contain_text("No verdict")


@pytest.mark.parametrize(
    ("samples", "level", "words"),
    [
        (np.zeros(16_000, np.float32), "bad", ["silent", "record again"]),
        (np.sign(tone(2)), "care", ["Clipped", "Lower its level"]),
        (tone(0.4), "care", ["Short", "Record for a few seconds"]),
        (0.004 * tone(2), "care", ["Quiet", "closer"]),
    ],
)
def test_the_quality_is_told_before_anything_is_asked(
    page: Page, address: str, samples: np.ndarray, level: str, words: Sequence[str]
) -> None:
    visit(page, address)
    file = sound_file()
    file["buffer"] = encoded(samples.astype(np.float32), 16_000, "wav")
    quality = open_file(page, file).locator(".quality")
    expect(quality).to_have_class(f"quality {level}")
    for word in words:
        expect(quality).to_contain_text(word)
    if level == "bad":
        page.get_by_label("Ask about", exact=True).first.select_option("S7")
        page.get_by_role("button", name="Ask the model").click()
        expect(page.get_by_role("alert")).to_contain_text("no recording that an answer")


def test_an_answer_shows_the_calibrated_number_its_interval_and_what_it_rests_on(
    page: Page, address: str
) -> None:
    page.route("**/v1/predict", reply(ANSWER))
    visit(page, address)
    open_file(page, sound_file())
    answer = ask_about(page, "S7")
    expect(answer.locator(".verdict.yes")).to_contain_text("The model says yes")
    expect(answer.locator(".number strong")).to_have_text("0.62")
    expect(answer.locator(".number")).to_contain_text("between 0.48 and 0.70 (Venn-Abers")
    scale = answer.get_by_role("img", name="calibrated 0.62, interval 0.48 to 0.70")
    width = scale.bounding_box()["width"]  # type: ignore[index]
    interval = answer.locator(".scale .interval").bounding_box()
    assert interval is not None
    assert interval["width"] == pytest.approx(0.22 * width, abs=2)
    rows = answer.locator(".contributions li").all_inner_texts()
    assert [" ".join(row.split()) for row in rows] == [
        "Starting point \u22120.50 towards no",
        "The sound +1.60 towards yes",
        "What was stated \u22120.20 towards no",
        "Together +0.90 towards yes",
    ]
    expect(answer.locator(".remarks")).to_contain_text("More unusual than 97%")
    expect(answer.locator(".remarks")).to_contain_text("Clipped: 2.0%")


def test_that_the_model_does_not_say_is_an_answer(page: Page, address: str) -> None:
    verdict = {"answer": "abstains", "level": 0.9, "text": "Both answers are possible"}
    page.route("**/v1/predict", reply(ANSWER | {"verdict": verdict}))
    visit(page, address)
    open_file(page, sound_file())
    answer = ask_about(page, "S7")
    expect(answer.locator(".verdict.abstains strong")).to_have_text("The model does not say")
    expect(page.locator("#announcer")).to_contain_text("The model does not say")


def test_attribution_is_drawn_over_the_spectrogram(page: Page, address: str) -> None:
    page.route("**/v1/attribute", reply(ATTRIBUTION))
    visit(page, address)
    open_file(page, sound_file())
    answer = ask_about(page, "S7")
    answer.get_by_role("button", name="Show where in the sound").click()
    expect(answer.get_by_role("img", name="Strongest towards no at 0.5 s.")).to_be_visible()
    colours = answer.locator(".overlay").evaluate(
        """c => [0.1, 0.375, 0.625, 0.9].map(x => {
            const d = c.getContext('2d').getImageData(Math.floor(x * c.width), 30, 1, 1).data;
            return d[3] ? (d[0] > d[2] ? 'yes' : 'no') : 'none';
        })"""
    )
    assert colours == ["yes", "no", "yes", "none"]
    expect(answer.locator(".attribution .bars li").first).to_contain_text("63")


def test_everything_can_be_taken_along_as_json(page: Page, address: str) -> None:
    page.route("**/v1/attribute", reply(ATTRIBUTION))
    visit(page, address)
    open_file(page, sound_file("one.wav"))
    open_file(page, sound_file("two.wav"))
    page.get_by_label("Age in years").fill("63")
    ask_about(page, "S7")
    page.locator(".answer").first.get_by_role("button", name="Show where").click()
    page.locator(".attribution").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as JSON").click()
    exported = json.loads(download.value.path().read_text())
    assert exported["notice"] == exported["recordings"][0]["answer"]["notice"]
    assert [one["name"] for one in exported["recordings"]] == ["one.wav", "two.wav"]
    first = exported["recordings"][0]
    assert first["asked"] == {
        "question": {"task": "S7"},
        "dms": {
            "age": 63,
            "gender": None,
            "medical_history": None,
            "symptoms": None,
            "recording_location": None,
        },
    }
    assert first["answer"]["model_id"] == exported["model"]["model_id"]
    assert first["attribution"]["words"] == ATTRIBUTION["words"]
    assert first["heard"]["usable"] is True
    assert exported["recordings"][1]["attribution"] is None


def test_a_new_person_is_asked_before_anything_is_lost(page: Page, address: str) -> None:
    visit(page, address)
    open_file(page, sound_file())
    page.get_by_label("Age in years").fill("63")
    page.get_by_role("button", name="New person").click()
    page.keyboard.press("Escape")
    expect(page.locator("#recordings .card")).to_have_count(1)
    page.get_by_role("button", name="New person").click()
    page.get_by_role("button", name="Begin anew").click()
    expect(page.locator("#recordings .card")).to_have_count(0)
    expect(page.get_by_label("Age in years")).to_have_value("")


def test_names_and_words_are_never_markup(page: Page, address: str) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    texts = {
        "warnings": [hostile],
        "notes": [hostile],
        "prompt": dict.fromkeys(("task", "dms", "audio"), hostile),
        "verdict": {"answer": "yes", "level": 0.9, "text": hostile},
        "why_uncalibrated": hostile,
    }
    words = [{"word": hostile, "part": "person", "value": 1.0}]
    page.route("**/v1/predict", reply(ANSWER | texts))
    page.route("**/v1/attribute", reply(ATTRIBUTION | {"words": words, "method": hostile}))
    visit(page, address)
    open_file(page, sound_file(f"{hostile}.wav"))
    page.get_by_label("In other words").first.fill(hostile)
    answer = ask_about(page, "S7")
    answer.get_by_role("button", name="Show where").click()
    page.locator(".attribution").wait_for()
    expect(page.locator("#recordings h3")).to_have_text(f"{hostile}.wav")
    expect(page.get_by_role("button", name=hostile, exact=True)).to_be_visible()
    assert page.locator("main img").count() == 0


def test_a_recording_plays_and_can_be_moved_in(page: Page, address: str) -> None:
    visit(page, address)
    card = open_file(page, sound_file())
    card.get_by_role("slider").fill("1")
    assert card.locator(".cursor").evaluate("c => c.style.left") == "50%"
    card.get_by_role("button", name="Play").click()
    card.get_by_role("button", name="Pause").wait_for()
    cursor = card.locator(".cursor")
    until(lambda: float(cursor.evaluate("c => parseFloat(c.style.left)")) > 52)


def _painted(canvas: Locator) -> bool:
    """Whether a canvas shows more than one colour."""
    return canvas.evaluate(
        """c => new Set(new Uint32Array(
            c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size > 20"""
    )


def _side_by_side(left: Locator, right: Locator) -> None:
    first, second = left.bounding_box(), right.bounding_box()
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert first["x"] + first["width"] < second["x"]

"""What a visitor of the page does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.audio.sounds import encoded, noise

ANSWER: dict[str, Any] = {
    "name": "Recording 1",
    "task": {"id": "S7", "condition": "COPD", "sound": "lung sounds", "validated": True},
    "probability": 0.71,
    "log_odds": 0.9,
    "calibrated": {
        "probability": 0.62,
        "low": 0.48,
        "high": 0.7,
        "interval": "Venn-Abers",
        "unit": "subject",
        "n_positive": 40,
        "n_negative": 60,
    },
    "why_uncalibrated": "",
    "verdict": {"answer": "yes", "level": 0.9, "text": "Right for 90% of people"},
    "contributions": {
        "base": -0.5,
        "audio": 1.6,
        "text": -0.2,
        "unit": "log-odds",
        "method": "Shapley values",
    },
    "familiarity": {"percentile": 97.0, "unusual": True},
    "warnings": ["clipped: 2.0% of the samples are at full scale"],
    "notes": [],
    "means_nothing": False,
    "clips": 1,
    "prompt": {"task": "Task description: X.", "dms": "Age: 63.", "audio": "64 audio tokens x 1"},
    "model_id": "respllm-0",
    "notice": "Research only.",
}
ATTRIBUTION: dict[str, Any] = {
    "clips": [
        {
            "seconds_start": 0.0,
            "seconds_stop": 2.0,
            "bands": [
                {
                    "name": "all frequencies",
                    "low_hz": 50,
                    "high_hz": 8000,
                    "seconds_per_value": 0.5,
                    "values": [0.1, -0.4, 0.2, 0.0],
                }
            ],
        }
    ],
    "words": [
        {"word": "Age:", "part": "person", "value": 0.01},
        {"word": "63", "part": "person", "value": -0.3},
    ],
    "unit": "log-odds",
    "method": "Integrated Gradients",
    "baseline": "the mean token",
    "notice": "Research only.",
}


def sound_file(name: str = "breath.wav", seconds: float = 2.0) -> FilePayload:
    """A recording to open."""
    return {
        "name": name,
        "mimeType": "audio/wav",
        "buffer": encoded(noise(seconds), 16_000, "wav"),
    }


def visit(page: Page, address: str) -> None:
    """Open the page and wait until it is built."""
    page.goto(address)
    page.wait_for_selector("body[data-ready]")


def open_file(page: Page, file: FilePayload) -> Locator:
    """Open a recording and wait until it was heard; gives its card."""
    before = page.locator("#recordings .card").count()
    page.set_input_files("#audio-file", files=[file])
    card = page.locator("#recordings .card").nth(before)
    card.locator(".quality, .problem").wait_for()
    return card


def ask_about(page: Page, task: str) -> Locator:
    """Choose a task, ask, and wait; gives the last answer's card."""
    page.get_by_label("Ask about", exact=True).first.select_option(task)
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#ask")).to_have_text("Ask the model")
    page.locator(".answer").last.wait_for()
    return page.locator(".answer").last


def reply(content: object, status: int = 200, **headers: str) -> Any:
    """A handler of `page.route` that answers with JSON."""
    kind = "application/json" if status < 400 else "application/problem+json"

    def fulfil(route: Route) -> None:
        route.fulfill(
            status=status, content_type=kind, body=json.dumps(content), headers=headers or None
        )

    return fulfil


def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what has no element. The page's policy forbids `Page.wait_for_function`."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)

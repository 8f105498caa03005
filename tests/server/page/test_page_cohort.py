"""A cohort: a table and a zip file in, progress, a table that sorts, files out."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.audio.sounds import encoded, noise
from tests.server.page.visiting import ANSWER, until, visit

STREAM = """
window.realFetch = window.fetch;
window.fetch = (path, options) => {
  if (!String(path).endsWith("/table")) return realFetch(path, options);
  const body = new ReadableStream({ start(stream) {
    window.send = (line) => stream.enqueue(new TextEncoder().encode(line));
    window.cut = () => stream.close();
    options.signal.addEventListener("abort", () => stream.error(options.signal.reason));
  } });
  return Promise.resolve(new Response(body));
};
"""


@pytest.fixture
def cohort(page: Page, address: str) -> Page:
    visit(page, address + "#cohort")
    page.get_by_role("heading", name="Ask about many people at once").wait_for()
    return page


def fill(page: Page, table: str = "audio\na.wav\n", **sounds: np.ndarray) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, samples in sounds.items():
            file.writestr(f"{name}.wav", encoded(samples, 16_000, "wav"))
    files: list[FilePayload] = [
        {"name": "people.csv", "mimeType": "text/csv", "buffer": table.encode()},
        {"name": "sounds.zip", "mimeType": "application/zip", "buffer": packed.getvalue()},
    ]
    page.set_input_files("#cohort-table-file", files=[files[0]])
    page.set_input_files("#cohort-zip", files=[files[1]])
    page.locator("#cohort-question-fields select").first.select_option("S7")


def send(page: Page, *lines: object) -> None:
    page.evaluate("line => send(line)", "".join(json.dumps(line) + "\n" for line in lines))


def test_a_cohort_is_answered_row_by_row(cohort: Page) -> None:
    page = cohort
    table = "audio,person,age,symptoms\na.wav,1,63,none\nb.wav,2,,cough\nquiet.wav,3,50,\n"
    fill(page, table, a=noise(2), b=noise(2, 1), quiet=np.zeros(16_000, np.float32))
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#cohort-progress")).to_contain_text("Done: 2 answered, 1 refused.")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator(".refused li")).to_contain_text("Row 3, ")
    expect(page.locator(".refused li")).to_contain_text("silent")
    expect(page.locator("#cohort-table .nothing")).to_contain_text("mean nothing")
    expect(page.locator("caption")).to_contain_text("Not a diagnosis")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(download.value.path().open()))
    assert [row["row"] for row in rows] == ["1", "2", "3"]
    assert 0 <= float(rows[0]["probability"]) <= 1
    assert "silent" in rows[2]["refused_because"]
    assert all("diagnosis" in row["notice"] for row in rows)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download JSON").click()
    exported = json.loads(download.value.path().read_text())
    assert exported["complete"] is True
    assert len(exported["answers"]) == 2
    assert len(exported["refusals"]) == 1


def test_progress_sorting_and_cancelling(page: Page, address: str) -> None:
    page.add_init_script(STREAM)
    visit(page, address + "#cohort")
    fill(page)
    page.get_by_role("button", name="Start").click()
    names = ["b", "a10", "a9"]
    answers = [
        {"kind": "answer", "row": i + 1, **ANSWER, "name": name, "probability": 0.3 * (i + 1)}
        for i, name in enumerate(names)
    ]
    send(page, {"kind": "start", "rows": 4})
    send(page, *answers)
    expect(page.locator("#cohort-progress")).to_contain_text("3 of 4 rows: 3 answered, 0 refused.")
    bar = page.get_by_role("progressbar", name="Recordings answered")
    assert bar.evaluate("b => b.position") == 0.75
    recording = page.get_by_role("columnheader", name="Recording")
    recording.get_by_role("button").click()
    expect(recording).to_have_attribute("aria-sort", "ascending")
    assert page.locator("tbody th").all_inner_texts() == ["a9", "a10", "b"]
    recording.get_by_role("button").press("Enter")
    expect(recording).to_have_attribute("aria-sort", "descending")
    assert page.locator("tbody th").all_inner_texts() == ["b", "a10", "a9"]
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#cohort-progress")).to_contain_text("Not complete: 3 answered")
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_an_end_too_soon_is_said(page: Page, address: str) -> None:
    page.add_init_script(STREAM)
    visit(page, address + "#cohort")
    fill(page)
    page.get_by_role("button", name="Start").click()
    send(page, {"kind": "start", "rows": 2}, {"kind": "answer", "row": 1, **ANSWER})
    expect(page.locator("tbody tr")).to_have_count(1)
    page.evaluate("cut()")
    expect(page.get_by_role("alert")).to_contain_text("stopped before the end")
    expect(page.locator("#cohort-progress")).to_contain_text("Not complete")


def test_hostile_cells_are_neither_markup_nor_formulas(page: Page, address: str) -> None:
    page.add_init_script(STREAM)
    visit(page, address + "#cohort")
    fill(page)
    page.get_by_role("button", name="Start").click()
    hostile = ["<img src=x onerror=alert(1)>", '=HYPERLINK("http://x","y")']
    send(
        page,
        {"kind": "start", "rows": 2},
        {"kind": "answer", "row": 1, **ANSWER, "name": hostile[0]},
        {"kind": "refusal", "row": 2, "name": hostile[1], "reason": hostile[0]},
        {"kind": "end", "answered": 1, "refused": 1},
    )
    page.evaluate("cut()")
    expect(page.locator("#cohort-progress")).to_contain_text("Done")
    assert page.locator("main img").count() == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(download.value.path().open()))
    assert [row["name"] for row in rows] == [hostile[0], f"'{hostile[1]}"]


def test_what_is_missing_is_said(cohort: Page) -> None:
    page = cohort
    start = page.get_by_role("button", name="Start")
    start.click()
    expect(page.get_by_role("alert")).to_contain_text("There is no table yet")
    expect(page.locator("#cohort-table-file")).to_be_focused()
    fill(page)
    page.locator("#cohort-question-fields select").first.select_option("")
    start.click()
    expect(page.get_by_role("alert")).to_contain_text("There is no question yet")


def test_a_table_that_cannot_be_read_is_refused(cohort: Page) -> None:
    page = cohort
    fill(page, "no,such\ncolumn,here\n", a=noise(1))
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#cohort").get_by_role("alert")).to_contain_text("audio")
    expect(page.locator("tbody tr")).to_have_count(0)


def test_a_long_cohort_stays_quick(page: Page, address: str) -> None:
    page.add_init_script(STREAM)
    visit(page, address + "#cohort")
    fill(page)
    page.get_by_role("button", name="Start").click()
    send(page, {"kind": "start", "rows": 2000})
    lines = [{"kind": "answer", "row": i + 1, **ANSWER, "name": str(i)} for i in range(2000)]
    send(page, *lines)
    send(page, {"kind": "end", "answered": 2000, "refused": 0})
    page.evaluate("cut()")
    until(lambda: "Done: 2000" in page.locator("#cohort-progress").inner_text())
    expect(page.locator("tbody tr")).to_have_count(200)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("tbody tr")).to_have_count(400)

"""The two files: whole, self-contained, safe, naming nobody, with every part missing or there."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from respllm.evaluation.table import DISCLAIMER
from respllm.reports import ReportInputs, build_report, write_report
from respllm.reports.html import card_html, report_html
from respllm.reports.markdown import report_markdown
from tests.reports.making import (
    CARD,
    SUBJECT,
    a_case,
    a_row,
    a_score,
    an_attribution,
    an_audit,
    bare_inputs,
    full_inputs,
)

HOSTILE = "<script>alert(1)</script> $\\frac{ | `x` \"'><img src=x onerror=y> ]]> <!-- javascript:"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags are closed in order; keeps tags, ids, addresses and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("report") / "new"
    html, markdown = write_report(build_report(full_inputs()), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.md"]
    return html.read_text(encoding="utf-8"), markdown.read_text(encoding="utf-8")


def check_page(text: str) -> Page:
    """Well-formed, self-contained, and every address leads somewhere within."""
    page = Page(text)
    assert not page.open
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "link", "img", "iframe", "object", "form", "image"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("href", "src", "xlink:href"):
            assert value.startswith("#"), (tag, name, value)
            assert value[1:] in page.ids, (tag, value)
        for address in re.findall(r"url\(([^)]*)\)", value):
            assert address.strip("#") in page.ids
    assert "@import" not in text
    assert "url(" not in text[text.index("<style>") : text.index("</style>")]
    return page


def test_page_is_whole_and_needs_nothing_else(files: tuple[str, str]) -> None:
    page = check_page(files[0])
    assert page.tags.count("svg") >= 10
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", files[0]).replace("http-equiv", "")


def test_every_picture_is_xml_with_a_name_in_words(files: tuple[str, str]) -> None:
    pictures = re.findall(r"<svg.*?</svg>", files[0], re.DOTALL)
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.attrib["role"] == "img"
        title = root.find("{*}title")
        assert title is not None
        assert title.attrib["id"] == root.attrib["aria-labelledby"]
        assert len(title.text or "") > 40
        assert "#0a0b0" not in picture, "a colour that does not follow the page"
    assert "prefers-color-scheme: dark" in files[0]
    assert 'name="viewport"' in files[0]


def test_disclaimer_simulated_and_findings_come_before_any_table(files: tuple[str, str]) -> None:
    for text, table in ((Page(files[0]).text, "AUROC on test people"), (files[1], "| Task |")):
        first = text.index(table)
        for words in (DISCLAIMER, "SIMULATED", "In one minute", "S7 age alone"):
            assert text.index(words) < first
        assert "do not believe" in text.lower()[:first]


def test_real_recordings_are_not_called_simulated() -> None:
    report = build_report(bare_inputs())
    assert "SIMULATED" not in report_html(report)
    assert DISCLAIMER in report_html(report)
    assert "SIMULATED" not in report_markdown(report)


def test_nobody_is_named_unless_asked_for(files: tuple[str, str]) -> None:
    assert not any("zebra" in text for text in files), "ids are in units and leaks of the inputs"
    asked = build_report(full_inputs(cases=(a_case(),)))
    assert SUBJECT in Page(report_html(asked)).text
    assert SUBJECT in report_markdown(asked)


def test_sections_stand_in_the_agreed_order(files: tuple[str, str]) -> None:
    keys = re.findall(r'<section id="([a-z-]+)"', files[0])
    assert keys == [
        *("minute", "results", "roc", "precision-recall", "calibration", "thresholds"),
        *("decisions", "conformal", "not-computed", "modalities", "question", "matched"),
        *("subgroups", "shortcuts", "leaks", "comparisons", "learning", "attribution"),
        *("card", "run", "tripod", "methods"),
    ]


def test_without_anything_each_part_says_why() -> None:
    for inputs in (bare_inputs(), bare_inputs(rows=())):
        report = build_report(inputs)
        page = check_page(report_html(report))
        for words in ("not audited", "not assessed", "not compared", "no model card", "no record"):
            assert words in page.text
            assert words in report_markdown(report)


OPTIONAL = [
    field.name
    for field in fields(ReportInputs)
    if field.name not in ("run", "protocol", "simulated", "cases")
]


@pytest.mark.parametrize("part", OPTIONAL)
def test_any_one_part_may_be_missing(part: str) -> None:
    empty = getattr(bare_inputs(rows=()), part)
    inputs = full_inputs(**{part: empty})
    check_page(report_html(build_report(inputs)))


def test_an_empty_audit_says_that_nothing_was_asked() -> None:
    audit = replace(
        an_audit(()), inputs=(), questions=(), matched=(), subgroups=(), shortcuts=(), leaks=()
    )
    text = Page(report_html(build_report(full_inputs(audit=audit)))).text
    assert text.count("not asked for or not possible") == 6


def test_hostile_words_stay_words() -> None:
    audit = an_audit()
    hostile = full_inputs(
        run=HOSTILE,
        rows=(a_row(HOSTILE, a_score(None, note=HOSTILE), condition=HOSTILE, note=HOSTILE),),
        card=f"# {HOSTILE}\n\n{HOSTILE}\n\n![x](https://example.org/x.png) [y](javascript:z)",
        comparisons=(replace(full_inputs().comparisons[0], title=HOSTILE, rows=((HOSTILE,) * 3,)),),
        audit=replace(
            audit,
            findings=(replace(audit.findings[0], text=HOSTILE),),
            subgroups=tuple(replace(row, group=HOSTILE) for row in audit.subgroups),
        ),
        cases=(replace(a_case(), dms_text=HOSTILE),),
    )
    report = build_report(hostile)
    page = check_page(report_html(report))
    assert "alert(1)" in page.text
    markdown = report_markdown(report)
    assert "<script" not in markdown
    assert "<img" not in markdown
    assert "![" not in markdown
    check_tables(markdown)


def check_tables(markdown: str) -> int:
    """Every table has as many cells in each line as in its head."""
    count, lines = 0, markdown.splitlines()
    for place, line in enumerate(lines):
        if re.fullmatch(r"\|( --- \|)+", line):
            count += 1
            width = line.count("|")
            start = place - 1
            while start < len(lines) and lines[start].startswith("|"):
                assert len(re.findall(r"(?<!\\)\|", lines[start])) == width, lines[start]
                start += 1
    return count


def test_markdown_tables_are_whole(files: tuple[str, str]) -> None:
    assert check_tables(files[1]) >= 15
    from markdown_it import MarkdownIt

    page = Page(MarkdownIt("commonmark").enable("table").render(files[1]))
    assert not page.open
    assert page.tags.count("table") >= 15


def test_markdown_tells_each_picture_in_words(files: tuple[str, str]) -> None:
    assert files[1].count("Figure (in the HTML file)") == Page(files[0]).tags.count("figure")


def test_numbers_of_the_inputs_are_in_both_files(files: tuple[str, str]) -> None:
    for text in (Page(files[0]).text, files[1]):
        for words in (
            *("0.530 to 0.824", "0.250 (0.100 to 0.400)", "Venn-Abers", "0.620 (0.600 to 0.700)"),
            *("Fusion-soft", "respllm train configs/demo.yaml", "largest Youden index"),
        ):
            assert words in text, words


def test_a_failed_randomisation_check_is_a_problem() -> None:
    report = build_report(full_inputs(attributions=(an_attribution(passed=False),)))
    assert "do not read them" in Page(report_html(report)).text
    assert "Problem:** Randomisation check failed" in report_markdown(report)


def test_two_protocols_are_refused() -> None:
    with pytest.raises(ValueError, match="clean and paper"):
        build_report(full_inputs(protocol="paper"))


def test_same_inputs_same_file() -> None:
    assert report_html(build_report(full_inputs())) == report_html(build_report(full_inputs()))


def test_the_card_keeps_its_tables_and_loses_its_head() -> None:
    html = str(card_html(CARD))
    assert "library_name" not in html
    assert "<h3>A RespLLM model</h3>" in html
    assert "<td>icbhi</td>" in html


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    write_report(build_report(full_inputs()), tmp_path)
    html, _ = write_report(build_report(bare_inputs()), tmp_path)
    assert "S7 age alone" not in html.read_text(encoding="utf-8")

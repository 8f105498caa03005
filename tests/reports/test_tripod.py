"""The checklist has all items of the published one, and fills in what the run knows."""

from __future__ import annotations

import re

from respllm.reports.document import Table
from respllm.reports.tripod import AUTHORS, tripod_section
from respllm.reports.tripod_items import TRIPOD_ITEMS
from tests.reports.making import bare_inputs, full_inputs

PUBLISHED = [
    *("1", "2", "3a", "3b", "3c", "4", "5a", "5b", "6a", "6b", "6c", "7", "8a", "8b", "8c", "9a"),
    *("9b", "9c", "10", "11", "12a", "12b", "12c", "12d", "12e", "12f", "12g", "13", "14", "15"),
    *("16", "17", "18a", "18b", "18c", "18d", "18e", "18f", "19", "20a", "20b", "20c", "21", "22"),
    *("23a", "23b", "24", "25", "26", "27a", "27b", "27c"),
]


def answers(inputs: object) -> dict[str, str]:
    table = tripod_section(inputs).blocks[1]  # type: ignore[arg-type]
    assert isinstance(table, Table)
    return {row[0]: row[3] for row in table.rows}


def test_all_27_items_with_their_52_sub_items_are_there() -> None:
    assert [item.number for item in TRIPOD_ITEMS] == PUBLISHED
    mains = {int(re.match(r"\d+", item.number)[0]) for item in TRIPOD_ITEMS}  # type: ignore[index]
    assert mains == set(range(1, 28))
    assert all(item.asks and item.section for item in TRIPOD_ITEMS)


def test_every_item_has_an_answer() -> None:
    for inputs in (full_inputs(), bare_inputs(), bare_inputs(rows=())):
        found = answers(inputs)
        assert list(found) == PUBLISHED
        assert all(found.values())


def test_what_only_authors_know_is_left_to_them() -> None:
    found = answers(full_inputs())
    for number in ("2", "3a", "5b", "6a", "8b", "17", "18a", "18b", "18c", "18d", "19", "27c"):
        assert found[number] == AUTHORS


def test_numbers_of_the_run_are_filled_in() -> None:
    found = answers(full_inputs())
    assert "S7 0.675 (0.530 to 0.824)" in found["23a"]
    assert "S7 train 19 subjects, 40 recordings" in found["21"]
    assert "T3 18 with, 0 without" in found["20a"]
    assert "Worst: S7 sex Female" in found["23b"]
    assert found["5a"].startswith("Simulated in the layouts of")
    assert "Venn-Abers" in found["12f"]


def test_a_run_without_record_or_audit_claims_nothing_about_them() -> None:
    found = answers(bare_inputs())
    for number in ("10", "12d", "12f", "14", "20b", "21", "22", "23b", "24"):
        assert found[number] == AUTHORS

"""Numbers as findings write them."""

from __future__ import annotations

from collections.abc import Sequence

from respllm.audits.results import Finding, Verdict

ORDER: tuple[Verdict, ...] = ("problem", "note", "not checked", "fine")


def number(value: float | None) -> str:
    """Two decimals; "undefined" for None."""
    return "undefined" if value is None else f"{value:.2f}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """A number with its 95% interval, "0.71 (0.62 to 0.79)"."""
    if value is None or low is None or high is None:
        return number(value)
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 recording", "3 recordings"."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def problems_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings by verdict; within one verdict their order stays."""
    return tuple(sorted(findings, key=lambda finding: ORDER.index(finding.verdict)))

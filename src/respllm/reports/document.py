"""A report as typed blocks, before it is HTML or Markdown. All text in here is plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from respllm.reports.findings import Findings


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Why something is not there, and what would bring it."""

    kind: ClassVar[str] = "missing"
    text: str


@dataclass(frozen=True, slots=True)
class Caution:
    """Why what follows must not be read as it stands."""

    kind: ClassVar[str] = "caution"
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """Short sentences below each other."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each row has a cell for every column."""

    kind: ClassVar[str] = "table"
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture.

    Attributes:
        title: its caption.
        alt: what it shows, in words and numbers, for who cannot see it.
        svg: safe SVG drawn by `figure`.
    """

    kind: ClassVar[str] = "plot"
    title: str
    alt: str
    svg: str


@dataclass(frozen=True, slots=True)
class Plots:
    """Pictures beside each other."""

    kind: ClassVar[str] = "plots"
    plots: tuple[Plot, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be typed or read as they stand."""

    kind: ClassVar[str] = "code"
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A Markdown text by somebody else."""

    kind: ClassVar[str] = "card"
    text: str


Block = Text | Missing | Caution | Bullets | Table | Plot | Plots | Code | Card


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it.

    Attributes:
        key: letters and dashes; the address within the page.
        title: the heading.
        blocks: in reading order.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says.

    Attributes:
        title: of the page.
        banner: what must be read before any number.
        simulated: whether all of it is about made-up people.
        findings: what was found, in plain sentences.
        sections: what it rests on.
    """

    title: str
    banner: tuple[str, ...]
    simulated: bool
    findings: Findings
    sections: tuple[Section, ...]

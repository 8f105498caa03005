"""The layouts that people really have, beside the published ones.

Archives unpacked one or two folders deeper, an audio folder within itself or under a mirror's name,
tables separated in another way. The published layout is looked for first and passes without a
word; everything else that is recognised is told in `FoundLayout.notes`. A converted recording
(`.flac` for `.wav`) needs nothing here: `on_disk` goes by its stem.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from respllm.datasets.delimited import Row, read_table_with_header, read_table_without_header
from respllm.datasets.mirror_tables import header_delimiter, read_mirror_table, separated_by
from respllm.datasets.on_disk import AUDIO_SUFFIXES, subfolders
from respllm.errors import DataError

DEEPEST = 2
"""Folders that an archive may be unpacked too deep."""


@dataclass(slots=True)
class FoundLayout:
    """Where the parts of a dataset are.

    Attributes:
        folders: the dataset's folder and those below it in which its files are looked for, the
            outermost first; the last one holds the data.
        notes: what was recognised that is not as published.
    """

    folders: tuple[Path, ...]
    notes: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """The folder that holds the data."""
        return self.folders[-1]

    def audio_folder(self, published: str, *others: str) -> Path:
        """The folder of the recordings: as published, within itself, under another name, or none.

        Where there is none of these, the published place, so that an error names it.
        """
        for name in (published, *others):
            folder = self.root / name
            if not folder.is_dir():
                continue
            inner = folder / name
            if not _holds_audio(folder) and inner.is_dir():
                self._tell(f"the recordings lie in {name}/{name}/")
                return inner
            if name != published:
                self._tell(f"the recordings lie in {name}/ instead of {published}/")
            return folder
        if _holds_audio(self.root):
            self._tell(f"the recordings lie beside the tables instead of in {published}/")
            return self.root
        return self.root / published

    def audio_folders(self) -> list[Path]:
        """The data's folder and those in it; one without recordings counts with what is in it."""
        folders = [self.root]
        for folder in subfolders(self.root):
            deeper = [] if _holds_audio(folder) else list(filter(_holds_audio, subfolders(folder)))
            for inner in deeper:
                self._tell(f"the recordings lie in {folder.name}/{inner.name}/")
            folders += deeper or [folder]
        return folders

    def day_folders(self, published: str) -> list[Path]:
        """Folders named by a day: in `published`, or beside the tables, or within themselves."""
        days = subfolders(self.root) if not (self.root / published).is_dir() else []
        days = [day for day in days if re.fullmatch(r"\d{8}", day.name)]
        if days:
            self._tell(f"the days lie beside the tables instead of in {published}/")
        else:
            folder = self.root / published
            if (folder / published).is_dir():
                self._tell(f"the days lie in {published}/{published}/")
                folder /= published
            days = subfolders(folder)
        doubled = [day for day in days if (day / day.name).is_dir()]
        if doubled:
            self._tell(f"{len(doubled)} days lie within a folder of their own name")
        return [day / day.name if day in doubled else day for day in days]

    def table(self, name: str, columns: Sequence[str], delimiter: str = ",") -> list[Row]:
        """A table with a header; errors as in `delimited.read_table_with_header`.

        Args:
            delimiter: as published; another one is recognised by the header.
        """
        path = self._file(name)
        found = header_delimiter(path, columns, delimiter)
        if found != delimiter:
            self._tell(f"{name} is {separated_by(found)}")
        return read_table_with_header(path, columns, found)

    def headless_table(
        self,
        name: str,
        columns: Mapping[str, frozenset[str]],
        required: Iterable[str],
        others: Sequence[str] = (),
    ) -> list[Row]:
        """A table that is published separated by tabs and without a header.

        A mirror's may have a header, and then another separator; a file under a mirror's name may
        have another separator in any case.

        Args:
            columns: in their published order -> what a header may call them, see `mirror_tables`.
            required: those that a header must have.
            others: the mirrors' names for the file.

        Raises:
            DataError: as in `delimited.read_table_without_header`.
        """
        path = self._file(name, *others)
        mirror = read_mirror_table(path, columns, tuple(required), path.name in others)
        if mirror is None:
            return read_table_without_header(path, list(columns), "\t")
        rows, description = mirror
        self._tell(f"{path.name} is {description}")
        return rows

    def _file(self, name: str, *others: str) -> Path:
        for option in (name, *others):
            for folder in reversed(self.folders):
                if (folder / option).is_file():
                    return folder / option
        return self.root / name

    def _tell(self, note: str) -> None:
        self.notes.append(f"layout: {note}")


def find_layout(root: Path, marks: Sequence[str]) -> FoundLayout:
    """Find the folder that holds the data: `root`, or one that was unpacked below it.

    Args:
        root: a dataset's folder, which is there.
        marks: names of files and folders of which the data's folder holds one.

    Raises:
        DataError: two folders could be meant.
    """
    chain: tuple[Path, ...] = (root,)
    for _ in range(DEEPEST + 1):
        if any((chain[-1] / mark).exists() for mark in marks):
            break
        candidates = [folder for folder in subfolders(chain[-1]) if _marked(folder, marks)]
        if len(candidates) > 1:
            raise DataError(
                f"Two folders look like the dataset: {candidates[0].name} and {candidates[1].name}",
                where=str(chain[-1]),
                expected="one of them",
                next_step="move the other one elsewhere",
            )
        if not candidates:
            return FoundLayout((root,))
        chain = (*chain, candidates[0])
    layout = FoundLayout(chain)
    if len(chain) > 1:
        layout.notes.append(f"layout: the data lie in {chain[-1].relative_to(root)}/")
    return layout


def _marked(folder: Path, marks: Sequence[str], deeper: int = DEEPEST - 1) -> bool:
    if any((folder / mark).exists() for mark in marks):
        return True
    return deeper > 0 and any(_marked(inner, marks, deeper - 1) for inner in subfolders(folder))


def _holds_audio(folder: Path) -> bool:
    return folder.is_dir() and any(
        path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")
        for path in folder.iterdir()
    )

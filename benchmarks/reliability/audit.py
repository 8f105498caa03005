"""Known weaknesses of the pinned dependencies, from the OSV database (https://osv.dev).

    python -m benchmarks.reliability.audit [--require-answer] [--accept ID ...]

All names and versions of `constraints.txt` are asked about in one question. Exits with

- 0: nothing is known against any of them; or the database cannot be reached, which is said
  (a check that needs the network must not fail without it);
- 1: something is known, or the file is not as expected;
- 2: the database cannot be reached, and `--require-answer` was given.

pip-audit was considered: it ends with 1 both for a weakness and for a service that it cannot reach.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

OSV = "https://api.osv.dev/v1"
CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
SECONDS = 4.0
"""For a connection, and for each answer; two questions at most are waited for in vain."""
_PIN = re.compile(r"([A-Za-z0-9][\w.-]*)==([\w.!]+)(?:\+[\w.]+)?$")


class UnreachableError(Exception):
    """The database gives no answer, or none that can be understood."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """A known weakness of a pinned version.

    Attributes:
        package: name and version.
        id: in the database.
        summary: "" where the database has none.
    """

    package: str
    id: str
    summary: str


def pinned(path: Path) -> list[tuple[str, str]]:
    """Names and versions of a constraints file, without local parts of versions ("+cpu").

    Raises:
        ValueError: a line that pins nothing: it could not be asked about.
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].partition(";")[0].strip()
        if text:
            pin = _PIN.fullmatch(text)
            if pin is None:
                raise ValueError(f"{path}: {line!r} pins no version")
            found.append((pin[1], pin[2]))
    return found


def weaknesses(
    packages: Sequence[tuple[str, str]], accepted: Collection[str] = (), service: str = OSV
) -> list[Weakness]:
    """What the database knows against these versions, but for withdrawn entries.

    Raises:
        UnreachableError: no answer, in part or in whole.
    """
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in packages
    ]
    answers = _asked("POST", f"{service}/querybatch", {"queries": queries}).get("results")
    if not isinstance(answers, list) or len(answers) != len(packages):
        raise UnreachableError("an answer of another form")
    found = []
    for (name, version), answer in zip(packages, answers, strict=True):
        for one in (answer or {}).get("vulns", ()):
            if one["id"] in accepted:
                continue
            try:
                about = _asked("GET", f"{service}/vulns/{one['id']}")
            except UnreachableError:
                about = {}  # it is known that there is one
            if "withdrawn" not in about:
                summary = " ".join(str(about.get("summary", "")).split())
                found.append(Weakness(f"{name} {version}", one["id"], summary))
    return found


def _asked(method: str, address: str, content: object = None) -> dict:
    try:
        answer = requests.request(method, address, json=content, timeout=SECONDS)
        answer.raise_for_status()
        told = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise UnreachableError(type(error).__name__) from error
    if not isinstance(told, dict):
        raise UnreachableError("an answer of another form")
    return told


def main(arguments: Sequence[str] | None = None, service: str = OSV) -> int:
    """Ask, say what was answered, and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--require-answer", action="store_true")
    parser.add_argument("--accept", nargs="+", default=[], metavar="ID", help="known and judged")
    parser.add_argument("--constraints", type=Path, default=CONSTRAINTS)
    options = parser.parse_args(arguments)
    packages = pinned(options.constraints)
    try:
        found = weaknesses(packages, options.accept, service)
    except UnreachableError as error:
        print(f"Dependencies NOT audited: {service} gave no answer ({error}).")
        return 2 if options.require_answer else 0
    for one in found:
        print(f"{one.package}: {one.id} {one.summary}".rstrip())
    print(f"{len(packages)} dependencies audited: {len(found)} known weaknesses.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())

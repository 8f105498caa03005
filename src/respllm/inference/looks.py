"""Every look at a test part is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from respllm.types import ProtocolName

LOOKS = "looks.jsonl"


def log_look(
    out: Path,
    model_id: str,
    protocol: ProtocolName,
    what: str,
    about: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Note that somebody looked at test parts: one line in `out`/looks.jsonl.

    Args:
        what: "test", "audit", "report", "study" or "probe".
        about: what else is known: the clips of each task, the question, what came out.
    """
    out.mkdir(parents=True, exist_ok=True)
    look: dict[str, object] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "what": what,
        "model": model_id,
        "protocol": protocol,
        **about,
    }
    with (out / LOOKS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(look) + "\n")

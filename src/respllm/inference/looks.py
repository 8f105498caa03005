"""Every look at a test part is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from respllm.types import ProtocolName


def log_look(
    out: Path,
    model_id: str,
    protocol: ProtocolName,
    what: str,
    test_clips: Mapping[str, int] | None = None,
) -> None:
    """Note that somebody looked at test parts: one line in `out`/looks.jsonl.

    Args:
        what: "test" or "audit".
        test_clips: by task, where they are known.
    """
    out.mkdir(parents=True, exist_ok=True)
    look: dict[str, object] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "what": what,
        "model": model_id,
        "protocol": protocol,
    }
    if test_clips is not None:
        look["test_clips"] = dict(test_clips)
    with (out / "looks.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(look) + "\n")

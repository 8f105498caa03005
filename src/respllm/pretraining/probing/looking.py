"""Every look at people held out for the end is written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from respllm.pretraining.probing.results import ProbeRow

LOOKS = "looks.jsonl"


def written_down(folder: Path, encoder: str, ask: Callable[[], ProbeRow]) -> ProbeRow:
    """Ask a question about people held out, and write down what came out, if it was scored.

    One line in `folder`/looks.jsonl, which begins as those of `respllm.inference.looks.log_look`.

    Args:
        folder: where looks are kept; made if missing.
        encoder: identity.
        ask: looks.

    Raises:
        OSError: nothing can be written there; nobody was asked then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOOKS).open("a", encoding="utf-8") as file:
        row = ask()
        if row.score is not None:
            look = {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "what": "probe",
                "model": encoder,
                "protocol": "clean",
                "question": row.id,
                "result": {
                    "n_subjects": row.score.n_subjects,
                    "auroc": row.score.value,
                    "low": row.score.low,
                    "high": row.score.high,
                    "baselines": {one.baseline: one.auroc.value for one in row.versus},
                    "curve": {str(point.people): point.score.value for point in row.curve},
                },
            }
            file.write(json.dumps(look) + "\n")
    return row

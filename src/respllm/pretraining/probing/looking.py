"""Every look at people held out for the end is written down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from respllm.inference.looks import LOOKS, log_look
from respllm.pretraining.probing.results import ProbeRow


def written_down(folder: Path, encoder: str, ask: Callable[[], ProbeRow]) -> ProbeRow:
    """Ask a question about people held out; a line in `folder`/looks.jsonl, if it was scored.

    Args:
        folder: where looks are kept; made if missing.
        encoder: identity.
        ask: looks.

    Raises:
        OSError: nothing can be written there; nobody was asked then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOOKS).open("a"):
        row = ask()
    if row.score is not None:
        result = {
            "n_subjects": row.score.n_subjects,
            "auroc": row.score.value,
            "low": row.score.low,
            "high": row.score.high,
            "baselines": {one.baseline: one.auroc.value for one in row.versus},
            "curve": {str(point.people): point.score.value for point in row.curve},
        }
        log_look(folder, encoder, "clean", "probe", {"question": row.id, "result": result})
    return row

"""Training states."""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmarks.reliability.fuzzing.checks import check


class State:
    """What a killed training goes on from."""

    def __init__(self, folder: Path) -> None:
        import torch

        from respllm.training.state import Progress, load_state, save_state

        self.path = folder / "last.pt"
        weight = torch.nn.Parameter(torch.arange(64.0))
        optimizer = torch.optim.AdamW([weight])
        weight.sum().backward()
        optimizer.step()
        progress = Progress(step=7, best=0.75, best_step=5, waited=1, aurocs={"S7": 0.75})
        save_state(self.path, progress, {"w": weight.detach()}, optimizer.state_dict())
        self.whole = self.path.read_bytes()
        self.known = load_state(self.path)

    def seeds(self) -> dict[str, bytes]:
        return {"last.pt": self.whole}

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        from respllm.training.state import load_state

        if forged:
            content = content[:-32] + hashlib.sha256(content[:-32]).digest()
        self.path.write_bytes(content)
        found = load_state(self.path)
        check(forged or repr(found) == repr(self.known), "another state")

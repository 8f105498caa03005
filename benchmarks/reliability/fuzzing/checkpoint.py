"""Checkpoints."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from benchmarks.reliability.fuzzing.checks import check


class Folder:
    """A nano checkpoint: its configuration, tokenizer and weights."""

    def __init__(self, folder: Path) -> None:
        from respllm.batching import TextTokenizer
        from respllm.config import LoraSettings, ModelConfig
        from respllm.models import Checkpoint, CheckpointConfig, KnownTask, assemble, load_llm
        from respllm.tasks import get_task

        config = ModelConfig(llm="nano", head="attention", lora=LoraSettings(r=4))
        loaded = load_llm(config, seed=3)
        told = CheckpointConfig(
            model=config,
            base_identity="",
            encoder_name="mel-patch",
            encoder_identity="mel-patch-test",
            audio_width=24,
            protocol="clean",
            seed=3,
            tasks=(KnownTask.of(get_task("S7"), 0.25, 0.5), KnownTask.of(get_task("T5"))),
            datasets=("icbhi",),
            agreement_only=(),
            simulated=False,
        )
        self.folder = folder / "model"
        model = assemble(loaded.model, config, 24, seed=3).eval()
        Checkpoint(model, TextTokenizer(loaded.tokenizer), told).save_pretrained(self.folder)
        self.whole = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.known = Checkpoint.from_pretrained(self.folder)

    def seeds(self) -> dict[str, bytes]:
        return {name: content for name, content in self.whole.items() if name != "README.md"}

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        import torch

        from respllm.models import Checkpoint, trained_state

        for other, whole in self.whole.items():
            (self.folder / other).write_bytes(content if other == name else whole)
        if forged:
            self._vouch(name, content)
        found = Checkpoint.from_pretrained(self.folder)
        if forged:
            check(len(found.tokenizer.dms_ids("Age: 65.")) > 0, "a tokenizer without tokens")
            return
        check(found.config == self.known.config, "another configuration")
        now, before = trained_state(found.model), trained_state(self.known.model)
        check(all(torch.equal(now[key], value) for key, value in before.items()), "other weights")
        text = "Gender: Male. Age: 65. Symptoms: dry cough."
        check(found.tokenizer.dms_ids(text) == self.known.tokenizer.dms_ids(text), "other tokens")

    def _vouch(self, name: str, content: bytes) -> None:
        """Let the configuration vouch for what was changed, as a stranger's would."""
        path = self.folder / "config.json"
        try:
            config = json.loads(path.read_bytes())
            if name == "model.safetensors":
                config["weights_sha256"] = hashlib.sha256(content).hexdigest()
            elif name != "config.json":
                config["tokenizer_sha256"][name] = hashlib.sha256(content).hexdigest()
            config["config_sha256"] = ""
            path.write_text(json.dumps(config))
        except (ValueError, TypeError, KeyError, RecursionError):
            pass  # no configuration any more

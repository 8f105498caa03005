"""Save what was trained, and load it again exactly: `save_pretrained`, `from_pretrained`."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerFast

from respllm.batching import TextTokenizer
from respllm.config import ModelConfig, StrictModel, parse
from respllm.errors import CheckpointError, ConfigError
from respllm.models.card import model_card
from respllm.models.device import place
from respllm.models.heads import HEADS
from respllm.models.known_task import KnownTask
from respllm.models.llm import check_identity, load_llm
from respllm.models.nano import nano_llm
from respllm.models.respllm import AUDIO_POSITIONS, RespLLM
from respllm.types import ProtocolName

FORMAT_VERSION = 1
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"
MAX_AUDIO_WIDTH = 1 << 16
"""The widest tokens a folder may ask memory for; OPERA-CT's are 768 wide."""


class CheckpointConfig(StrictModel):
    """What a checkpoint is, beside its weights.

    Attributes:
        format_version: of the folder's layout.
        model: language model, adapters and head.
        base_identity: fingerprint of the language model that training started from; "" for nano.
        encoder_name, encoder_identity: the audio encoder whose tokens it reads.
        audio_width: A, the width of those tokens.
        protocol: data choices of the training.
        seed: of the initialisation.
        tasks: what it was trained and tested on.
        datasets: registry names, or own tables' task ids, that it was trained on.
        agreement_only: those of `datasets` that may be used under a signed agreement only.
        simulated: whether it was trained on simulated recordings.
        weights_sha256: of the weights file.
        tokenizer_sha256: of the tokenizer's files, by name; none where the base model has its own.
        config_sha256: of all the above, as `_digest` takes it; "" in a checkpoint of a version
            that did not write it.
    """

    format_version: Literal[1] = 1
    model: ModelConfig
    base_identity: str
    encoder_name: str
    encoder_identity: str
    audio_width: int = Field(ge=1, le=MAX_AUDIO_WIDTH)
    protocol: ProtocolName
    seed: int = Field(ge=0, lt=2**31)
    tasks: tuple[KnownTask, ...]
    datasets: tuple[str, ...]
    agreement_only: tuple[str, ...]
    simulated: bool
    weights_sha256: str = ""
    tokenizer_sha256: dict[str, str] = Field(default_factory=dict)
    config_sha256: str = ""

    def task(self, task_id: str) -> KnownTask | None:
        """The task with this id, if the model knows it."""
        return next((task for task in self.tasks if task.id == task_id), None)

    def asked(self, task_id: str, prompt: str) -> KnownTask | None:
        """The task with this id, if the model knows it in these words."""
        known = self.task(task_id)
        return known if known is not None and known.prompt == prompt else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model with all that is needed to use it.

    Attributes:
        model: in evaluation mode after loading.
        tokenizer: of its language model.
        config: what it is.
    """

    model: RespLLM
    tokenizer: TextTokenizer
    config: CheckpointConfig

    @property
    def model_id(self) -> str:
        """Short name that follows the weights; "untrained" before the first save."""
        return f"respllm-{self.config.weights_sha256[:12] or 'untrained'}"

    def parameter_counts(self) -> dict[str, int]:
        """Numbers of trained and frozen weights."""
        counts = {"trained": 0, "frozen": 0}
        for parameter in self.model.parameters():
            counts["trained" if parameter.requires_grad else "frozen"] += parameter.numel()
        return counts

    def save_pretrained(self, folder: str | Path) -> CheckpointConfig:
        """Write config, trained weights, tokenizer (nano) and model card into `folder`.

        The folder appears complete or not at all; an older one is replaced. Killed between the two
        renames that this takes, the older one has the name with ".old", where loading finds it.

        Returns:
            The configuration with the weights' hash.
        """
        state = trained_state(self.model)
        if not state:
            raise CheckpointError(
                "This model was made ready to answer: what it was trained to is no longer apart",
                where=str(folder),
                next_step="copy the folder it was loaded from, or load it with Checkpoint",
            )
        folder = Path(folder)
        new = folder.with_name(folder.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        try:
            config = self._write(state, new)
        except Exception as error:  # the tokenizer's writer raises bare `Exception`
            shutil.rmtree(new, ignore_errors=True)
            raise CheckpointError(
                f"The model could not be written: {error}",
                where=str(folder),
                next_step="free some space and run again; an earlier model there is whole",
            ) from error
        # Renamed, not deleted first: killed in a deletion, the older one would be there in part.
        old = _old(folder)
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        return config

    def _write(self, state: dict[str, torch.Tensor], new: Path) -> CheckpointConfig:
        save_file(state, new / WEIGHTS)
        hashes: dict[str, object] = {"weights_sha256": _sha256(new / WEIGHTS)}
        if self.config.model.llm == "nano":
            self.tokenizer.tokenizer.save_pretrained(new)
        tokenizer = sorted(path for path in new.iterdir() if path.name != WEIGHTS)
        hashes["tokenizer_sha256"] = {path.name: _sha256(path) for path in tokenizer}
        config = self.config.model_copy(update=hashes)
        digest = _digest(json.loads(config.model_dump_json()))
        config = config.model_copy(update={"config_sha256": digest})
        (new / CONFIG).write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (new / CARD).write_text(
            model_card(
                config.model, config.encoder_name, config.tasks, config.datasets, config.simulated
            ),
            encoding="utf-8",
        )
        return config

    @classmethod
    def from_pretrained(cls, source: str | Path, device: str = "cpu") -> Checkpoint:
        """Load a checkpoint.

        Args:
            source: a run folder, a checkpoint folder or a Hugging Face id.
            device: where to put the model.

        Raises:
            CheckpointError: not there, damaged, of another format or for another base model.
        """
        folder = checkpoint_folder(source)
        config = _read_config(folder)
        weights = folder / WEIGHTS
        if _sha256(weights) != config.weights_sha256:
            raise CheckpointError(
                "The weights are not those that were saved",
                where=str(weights),
                expected=f"sha256 {config.weights_sha256[:64]}",
                next_step="copy the file again, or train again",
            )
        if config.model.llm == "nano":
            tokenizer = _read_tokenizer(folder, config.tokenizer_sha256)
            llm = nano_llm(len(tokenizer), config.seed)
        else:
            loaded = load_llm(config.model, config.seed)
            check_identity(loaded.identity, config.base_identity, config.model.llm)
            tokenizer, llm = loaded.tokenizer, loaded.model
        model = assemble(llm, config.model, config.audio_width, config.seed)
        load_trained_state(model, _read_weights(weights), where=str(weights))
        place(model, config.model, device)
        return cls(model.eval(), TextTokenizer(tokenizer), config)

    def push_to_hub(
        self, repo_id: str, *, private: bool = True, agreement_only: Collection[str] = ()
    ) -> str:
        """Upload the checkpoint to the Hugging Face hub.

        Args:
            repo_id: "owner/name".
            private: make a new repository private.
            agreement_only: names of the agreement-only datasets whose terms you have checked;
                without them such a checkpoint is refused.

        Returns:
            The address of the commit.

        Raises:
            CheckpointError: trained on data under an agreement that `agreement_only` does not name.
        """
        from tempfile import TemporaryDirectory

        from huggingface_hub import HfApi

        unnamed = sorted(set(self.config.agreement_only) - set(agreement_only))
        if unnamed:
            raise CheckpointError(
                f"Trained on data under a signed agreement: {', '.join(unnamed)}",
                expected="permission of the data's owner to publish what was trained on it",
                next_step=f"if you have it, pass agreement_only={unnamed!r}",
            )
        api = HfApi()
        api.create_repo(repo_id, private=private, exist_ok=True)
        with TemporaryDirectory() as folder:
            saved = Path(folder) / "checkpoint"
            self.save_pretrained(saved)
            return str(api.upload_folder(repo_id=repo_id, folder_path=saved))


def assemble(llm: Any, config: ModelConfig, audio_width: int, seed: int) -> RespLLM:
    """Fuse a language model with a projector and a head, initialised from `seed`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = HEADS[config.head](llm.config.hidden_size, AUDIO_POSITIONS)
        dropout = config.lora.dropout > 0 or bool(getattr(llm.config, "attention_dropout", 0))
        return RespLLM(llm, head, audio_width, dropout, config.inputs)


def trained_state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights that training changes, by name."""
    return {
        name: parameter.detach().to("cpu").contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def load_trained_state(model: torch.nn.Module, state: dict[str, torch.Tensor], where: str) -> None:
    """Put saved weights in place: every trained weight, and nothing else.

    Raises:
        CheckpointError: a missing or unexpected name, or another shape.
    """
    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    problems = [f"missing {name}" for name in own.keys() - state.keys()]
    problems += [f"unexpected {name}" for name in state.keys() - own.keys()]
    problems += [
        f"{name} has shape {tuple(state[name].shape)}, expected {tuple(own[name].shape)}"
        for name in own.keys() & state.keys()
        if state[name].shape != own[name].shape
    ]
    problems += [
        f"{name} holds values that are no numbers"
        for name in own.keys() & state.keys()
        if not (state[name].is_floating_point() and bool(torch.isfinite(state[name]).all()))
    ]
    if problems:
        raise CheckpointError(
            f"The weights do not fit the model: {'; '.join(sorted(problems)[:5])}", where=where
        )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(state[name])


def checkpoint_folder(source: str | Path) -> Path:
    """The folder that holds the checkpoint of a run folder, a folder or a Hugging Face id."""
    path = Path(source)
    places = (path / "model", path)
    for folder in (*places, *map(_old, places)):
        if (folder / CONFIG).is_file():
            return folder
    if path.exists() or path.parent.is_dir() or str(source).count("/") != 1:
        raise CheckpointError(
            f"No checkpoint in {source}",
            expected=f"a run folder, or a folder with {CONFIG} and {WEIGHTS}",
            next_step="run `respllm train CONFIG` or `respllm demo` first",
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(source)))
    except Exception as error:  # the hub client raises a dozen unrelated classes
        raise CheckpointError(
            f"{source!r} is no local folder and could not be fetched from the hub: "
            f"{type(error).__name__}",
            next_step="check the path, the name and the network",
        ) from error


def _old(folder: Path) -> Path:
    """What the model before is called while a new one takes its place."""
    return folder.parent / f"{folder.name}.old"


def _read_config(folder: Path) -> CheckpointConfig:
    path = folder / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError("The configuration cannot be read", where=str(path)) from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"Format version {version!r} of a checkpoint is not known here",
            where=str(path),
            expected=f"version {FORMAT_VERSION}",
            next_step="use the respllm version that wrote it, or train again",
        )
    try:
        config = parse(content, CheckpointConfig, where=str(path))
    except ConfigError as error:
        raise CheckpointError(error.what, where=str(path)) from error
    if config.config_sha256 and config.config_sha256 != _digest(content):
        raise CheckpointError(
            "The configuration is not the one that was saved",
            where=str(path),
            expected=f"sha256 {config.config_sha256[:64]}",
            next_step="copy the folder again, or train again",
        )
    return config


def _digest(content: dict[str, Any]) -> str:
    """SHA-256 of a configuration without its own hash, whatever the order and the spacing."""
    rest = {key: value for key, value in content.items() if key != "config_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"The weights cannot be read: {error}", where=str(path)) from error


def _read_tokenizer(folder: Path, sha256: dict[str, str]) -> PreTrainedTokenizerFast:
    try:
        for name, expected in sha256.items():
            if _sha256(folder / name) != expected:
                raise ValueError(f"{name} is not what was saved")
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        TextTokenizer(tokenizer).prompt_ids("Age: 65.")  # a false setting shows in use only
        return tokenizer
    except Exception as error:  # the tokenizer's parser raises bare `Exception`
        raise CheckpointError(
            f"The tokenizer cannot be read ({type(error).__name__})",
            where=str(folder),
            expected="the tokenizer files that were saved with the weights",
            next_step="copy the folder again, or train again",
        ) from error


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"Cannot read the weights: {error}", where=str(path)) from error

"""A run, declared as data: frozen settings read from one YAML file, unknown keys refused."""

from __future__ import annotations

import math
import reprlib
from pathlib import Path
from typing import Any, Literal, NoReturn, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from respllm.errors import ConfigError, unknown_name
from respllm.types import ProtocolName

MAX_YAML_BYTES = 1 << 16
MAX_YAML_VALUES = 100_000
MAX_YAML_BRACKETS = 1000
"""PyYAML looks at all open brackets again at each word: of 64 KiB it could make three seconds."""
PROBLEMS_TOLD = 20
SHOWN_CHARACTERS = 100
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = SHOWN_CHARACTERS

HeadName = Literal["published", "last", "mean", "attention"]
Inputs = Literal["audio and text", "audio", "text"]
TextName = Literal["bert", "llm"]


class StrictModel(BaseModel):
    """Frozen settings; a key that no field has is an error, not a comment."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


Model = TypeVar("Model", bound=StrictModel)


class TaskLists(StrictModel):
    """What is learned and what is only tested: task ids ("S7") or task files (paths).

    Attributes:
        train: tasks whose training part is learned; their test part is tested too.
        test: tasks that are only tested, zero-shot.
        learn: of `train`, those that are learned from; None learns all. The others still decide
            who is held out, so that models of one task and of all share their data.
    """

    train: tuple[str, ...] = Field(min_length=1)
    test: tuple[str, ...] = ()
    learn: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _learns_its_own(self) -> Self:
        for name in self.learn or ():
            if name not in self.train:
                raise ValueError(unknown_name("task in learn", name, self.train))
        return self

    @property
    def learned(self) -> tuple[str, ...]:
        """The tasks that are learned from."""
        return self.learn or self.train

    @property
    def not_learned(self) -> tuple[str, ...]:
        """The tasks that are only tested."""
        return (*(name for name in self.train if name not in self.learned), *self.test)


class EncoderConfig(StrictModel):
    """The frozen audio encoder.

    Attributes:
        name: registry name: "htsat-small" (5 M parameters, comes with the package), "mel-patch" (no
            weights), "opera-ct" (HTS-AT, 28 M), or "htsat", which `respllm pretrain audio` makes.
        checkpoint: local checkpoint; None fetches OPERA-CT's published one from its model hub.
    """

    name: str = "htsat-small"
    checkpoint: Path | None = None


class LoraSettings(StrictModel):
    """Low-rank adapters on the query and value projections (paper B.1).

    Attributes:
        r: rank.
        alpha: the update is scaled by alpha / r.
        dropout: on the adapter's input while training. The published code uses 0.1; our default
            0 keeps a sample's training step independent of a random mask.
    """

    r: int = Field(default=16, ge=1)
    alpha: float = Field(default=32, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class ModelConfig(StrictModel):
    """Language model, adapters and head.

    Attributes:
        llm: "medical-10m" (comes with the package), a preset ("nano", which starts from nothing,
            "openbiollm-8b", ...), a Hugging Face id or a local folder.
        revision: revision of a Hugging Face id.
        lora: adapters; unused by models that are trained in full.
        train: what is trained of a language model that is not nano: "adapters", or "all" of it, as
            suits one of a few million weights.
        head: how the last hidden states become one vector.
        inputs: what is told of a person. Without "audio" the 64 audio positions are all alike,
            without "text" the DMS text is empty; the task prompt always stays. Controls that the
            paper leaves out.
        random_weights: keep the language model's architecture and tokenizer but draw its weights
            from the seed: does pretraining matter? (nano always starts so.)
        dtype: of the frozen weights.
        quantize_4bit: load the frozen weights in 4 bits (needs an NVIDIA GPU).
        gradient_checkpointing: recompute activations to save memory.
        trust_remote_code: run code that a model repository brings along; the environment variable
            RESPLLM_TRUST_REMOTE_CODE must name the repository too, as a checkpoint from elsewhere
            brings its own settings.
    """

    llm: str = "medical-10m"
    revision: str | None = None
    lora: LoraSettings = LoraSettings()
    train: Literal["adapters", "all"] = "adapters"
    head: HeadName = "mean"
    inputs: Inputs = "audio and text"
    random_weights: bool = False
    dtype: Literal["float32", "bfloat16"] = "float32"
    quantize_4bit: bool = False
    gradient_checkpointing: bool = False
    trust_remote_code: bool = False


class TrainingConfig(StrictModel):
    """Optimisation.

    Attributes:
        epochs: passes over the mixed training examples, at most.
        batch_size: examples per optimiser step, over all processes and accumulation steps.
        micro_batch_size: examples computed at once on one process; None: all of its share.
        learning_rate: peak, after warm-up.
        weight_decay: decoupled (AdamW); 0 with optimizer "adam" is the published setting.
        optimizer: "adamw" or "adam".
        schedule: what follows the warm-up.
        warmup_fraction: share of all steps with a linearly rising rate.
        gradient_clip: largest gradient norm; None does not clip.
        balance: "loss" weights both classes of a task, and all people of a class, alike;
            "none" leaves everything as found.
        patience: evaluations without a better validation AUROC before stopping; None never stops.
        evaluations_per_epoch: validations per epoch.
        views: further times that an epoch reads every training clip, each time as another device in
            another room would have recorded it.
        hidden_fields: share of what a person stated (age, symptoms, ...) that is left out in these,
            field by field, so that no single one answers for the sound.
        alignment_epochs: passes over the training clips before the first epoch, in which a fresh
            model's projector alone learns to bring audio tokens near the words that describe the
            sound (RespLLM only); 0: no such stage, as in the paper.
        bf16: compute in bfloat16 (autocast) where the processor or GPU has it.
        save_minutes: minutes between two checkpoints (one is also written at each validation).
    """

    epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=16, ge=1)
    micro_batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    optimizer: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_fraction: float = Field(default=0.05, ge=0, lt=1)
    gradient_clip: float | None = Field(default=1.0, gt=0)
    balance: Literal["loss", "none"] = "loss"
    patience: int | None = Field(default=3, ge=1)
    evaluations_per_epoch: int = Field(default=1, ge=1)
    views: int = Field(default=0, ge=0)
    hidden_fields: float = Field(default=0.0, ge=0, le=1)
    alignment_epochs: int = Field(default=0, ge=0)
    bf16: bool = False
    save_minutes: float = Field(default=5.0, gt=0)

    @model_validator(mode="after")
    def _hides_in_views(self) -> Self:
        if self.hidden_fields and not self.views:
            raise ValueError("hidden_fields are left out in views: give views too")
        return self


class BaselineSettings(StrictModel):
    """How the baselines are built and optimised.

    Attributes:
        text: who reads the DMS text for the soft ones: "bert" (published) or the run's "llm".
        fine_tune_encoder: train a copy of the audio encoder too (published). An encoder without
            weights is read as it is.
        training: optimisation where only heads are trained, on frozen features. Of three rates from
            1e-3 to 1e-2, all alike within 0.02 on simulated validation people (2,000 subjects, S1
            to S7; selected on one half of them and scored on the other): Audio 0.77, DMS-hard 0.67,
            Fusion-soft 0.81. The published setting, meant for a fine-tuned encoder, stops there at
            0.69, 0.66 and 0.76.
        fine_tuning: optimisation where the encoder is trained too; the published rate.
    """

    text: TextName = "llm"
    fine_tune_encoder: bool = True
    training: TrainingConfig = TrainingConfig(
        epochs=60, batch_size=64, learning_rate=1e-3, patience=15
    )
    fine_tuning: TrainingConfig = TrainingConfig(
        epochs=10, batch_size=64, learning_rate=1e-4, patience=3
    )


class RunConfig(StrictModel):
    """Everything that decides a run's result, besides the data.

    Attributes:
        name: of the run; also the default name of its folder.
        protocol: "clean" or "paper" data choices; never mixed in one table.
        tasks: what is learned and what is tested.
        baselines: how the models beside RespLLM are built (`respllm baselines`, `respllm table`).
        init_from: a run folder to start from instead of a fresh model.
        limit_subjects: about so many training subjects per task, at least one of each answer
            (learning curves, smoke tests); None uses all.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    protocol: ProtocolName = "clean"
    tasks: TaskLists
    encoder: EncoderConfig = EncoderConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    baselines: BaselineSettings = BaselineSettings()
    init_from: Path | None = None
    limit_subjects: int | None = Field(default=None, ge=2)
    seed: int = Field(default=42, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _micro_batch_fits(self) -> Self:
        micro = self.training.micro_batch_size
        if micro is not None and micro > self.training.batch_size:
            raise ValueError(f"micro_batch_size {micro} exceeds batch_size")
        return self


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into settings.

    Raises:
        ConfigError: no such file, no YAML, an unknown key (with the nearest known one) or a value
            that does not fit; see also `read_settings`.
    """
    return parse(read_settings(path), model, where=str(path))


def read_settings(path: Path) -> dict[Any, Any]:
    """Read a YAML file of `key: value` lines, in less than about a second whatever is in it.

    Raises:
        ConfigError: no such file, no YAML or no such lines; larger than 64 KiB, with more than
            1,000 opening brackets, or unfolding to more than 100,000 values.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_YAML_BYTES + 1)
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a NUL in the path
        raise ConfigError(f"Cannot read {path}: {error}", next_step="check the path") from error
    if len(content) > MAX_YAML_BYTES:
        raise ConfigError(
            f"The file is larger than {MAX_YAML_BYTES // 1024} KiB",
            where=str(path),
            expected="settings; data belongs in a table",
        )
    if text.count("[") + text.count("{") > MAX_YAML_BRACKETS:
        raise ConfigError(
            "The file has too many brackets",
            where=str(path),
            expected=f"at most {MAX_YAML_BRACKETS:,} of `[` and `{{`; data belongs in a table",
        )
    settings = _yaml(text, path)
    if not isinstance(settings, dict):
        raise ConfigError(
            f"The file holds {type(settings).__name__}, not settings",
            where=str(path),
            expected="`key: value` lines",
        )
    return settings


def _yaml(text: str, path: Path) -> Any:
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            size = _unfolded(node, {})
            return loader.construct_document(node) if size <= MAX_YAML_VALUES else _refuse(path)
        finally:
            loader.dispose()
    except ConfigError:
        raise
    except Exception as error:  # half a dozen unrelated classes for a bad date, number or nesting
        problem = " ".join(str(error).split())
        if not isinstance(error, yaml.YAMLError):
            problem = f"{type(error).__name__}: {problem}"
        raise ConfigError(f"Not valid YAML: {problem}", where=str(path)) from error


def _refuse(path: Path) -> NoReturn:
    raise ConfigError(
        "The file holds too much, or aliases (`*name`) that unfold to too much or to themselves",
        where=str(path),
        expected=f"at most {MAX_YAML_VALUES:,} values",
    )


def _unfolded(node: yaml.Node, known: dict[int, float]) -> float:
    """How many values a node stands for with its aliases written out; infinite if for itself.

    Raises:
        yaml.YAMLError: a mapping has two values for one key, of which PyYAML would take the last.
    """
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = math.inf  # what it is while its own parts are counted
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
        parts = (
            (part for pair in node.value for part in pair)
            if isinstance(node, yaml.MappingNode)
            else node.value
        )
        known[id(node)] = 1 + sum(_unfolded(part, known) for part in parts)
    return known[id(node)]


def _check_keys(node: yaml.MappingNode) -> None:
    names: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in names:
                problem = f"two values for the key {_shown(key.value)!r}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            names.add((key.tag, key.value))


def parse(content: dict[str, Any], model: type[Model], where: str) -> Model:
    """Turn parsed YAML or JSON into settings; see `read_yaml` for the errors."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = error.errors()
        told = [_describe(problem, model) for problem in problems[:PROBLEMS_TOLD]]
        if len(problems) > PROBLEMS_TOLD:
            told.append(f"and {len(problems) - PROBLEMS_TOLD} more")
        raise ConfigError("; ".join(told), where=where) from None


def _describe(problem: Any, model: type[BaseModel]) -> str:
    *outer, last = problem["loc"] or ("the file",)
    if problem["type"] == "extra_forbidden":
        owner = model
        for part in outer:
            if part in owner.model_fields:  # an index into a list of sections is not
                owner = _section(owner.model_fields[part].annotation) or owner
        place = ".".join(map(_shown, outer))
        kind = f"key in {place}:" if outer else "key"
        return unknown_name(kind, _shown(last), owner.model_fields)
    key = ".".join(map(_shown, (*outer, last)))
    if problem["type"] == "missing":
        return f"Missing key {key!r}"
    return f"{key}: {problem['msg']}, got {_SHORT.repr(problem['input'])}"


def _section(annotation: Any) -> type[BaseModel] | None:
    """The settings in an annotation such as `Section | None` or `tuple[Section, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section, get_args(annotation))), None)


def _shown(key: object) -> str:
    """A key as an error repeats it."""
    return str(key)[:SHOWN_CHARACTERS]

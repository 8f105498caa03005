"""An audio pretraining, declared as data: what is heard, what is not, and what is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from respllm.audio.conditions import Conditions
from respllm.config import StrictModel
from respllm.datasets.table_source import TableSource
from respllm.types import Split

ArchitectureName = Literal["htsat-small", "htsat"]


class SimulatedSound(StrictModel):
    """Recordings that `respllm.simulation` synthesises: breaths, coughs and lung sounds.

    Attributes:
        recordings: how many; each is a person of its own.
        seed: of everything drawn.
    """

    recordings: int = Field(ge=1)
    seed: int = Field(default=0, ge=0)


class Source(StrictModel):
    """Where recordings come from: exactly one of the four.

    Attributes:
        dataset: registry name of a dataset in the data root ("icbhi"), all its sounds.
        table: your own table, as in a task file; relative paths start at the run file, or else
            at the data root. No label is read.
        folder: every recording in a folder and below; each is a person of its own, but for
            byte-identical ones. Relative paths start there too.
        simulated: synthesised sound.
        split: of a dataset: name of its published split, and
        part: the part of it that is meant. None: all recordings.
    """

    dataset: str | None = None
    table: TableSource | None = None
    folder: Path | None = None
    simulated: SimulatedSound | None = None
    split: str | None = None
    part: Split | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = (self.dataset, self.table, self.folder, self.simulated)
        if sum(one is not None for one in given) != 1:
            raise ValueError("give exactly one of `dataset`, `table`, `folder` and `simulated`")
        if (self.split is None) != (self.part is None):
            raise ValueError("`split` and `part` need each other")
        if self.split is not None and self.dataset is None:
            raise ValueError("`split` and `part` belong to a `dataset`")
        return self

    @property
    def name(self) -> str:
        """What this source is called: batches are drawn from one source at a time."""
        if self.dataset is not None:
            return self.dataset
        if self.simulated is not None:
            return "simulated"
        where = self.folder if self.table is None else self.table.table
        assert where is not None
        return where.parent.name if self.table is not None and where.parent.name else where.stem


class Objectives(StrictModel):
    """How much each objective counts; 0 leaves it out.

    Attributes:
        contrastive: find the other crop of the same recording among other people's.
        reconstruction: fill in masked stretches of the log-mel.
        description: tell levels, bursts and lasting tones of each patch, as they were before room
            and device changed them.
    """

    contrastive: float = Field(default=1.0, ge=0)
    reconstruction: float = Field(default=1.0, ge=0)
    description: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.contrastive or self.reconstruction or self.description):
            raise ValueError("at least one objective needs a weight above 0")
        return self


class Augmentation(Conditions):
    """How a view differs from the recording: see `Conditions`, and

    Attributes:
        shortest_seconds: of a crop; like any short recording it is repeated to 8.18 s.
        masked: share of a masked view's patches that are hidden.
    """

    shortest_seconds: float = Field(default=1.5, gt=0.1, le=8.18)
    masked: float = Field(default=0.4, ge=0, lt=1)


class AudioPretraining(StrictModel):
    """Everything that decides a pretrained encoder, besides the data.

    Attributes:
        name: of the run; also the default name of its folder.
        encoder: "htsat-small" (5 M parameters) or "htsat" (28 M).
        hear: where recordings come from.
        never: whoever is in here, by subject or by the bytes of a recording, is not heard,
            whatever `hear` says.
        objectives, augmentation: what is learned, from which views.
        steps: optimiser steps, at most.
        batch_size: recordings of a step; two views each.
        learning_rate: peak, after warm-up; then a cosine to 0.
        weight_decay: decoupled (AdamW).
        warmup_fraction: share of all steps with a linearly rising rate.
        gradient_clip: largest gradient norm.
        validation_share: of each source's people, kept to validate on.
        validate_every: steps between two validations; the state is saved at each.
        patience: validations without a lower loss before stopping; None never stops.
        bf16: compute in bfloat16 (autocast).
        seed: of weights, order and views.
    """

    name: str = Field(min_length=1)
    encoder: ArchitectureName = "htsat-small"
    hear: tuple[Source, ...] = Field(min_length=1)
    never: tuple[Source, ...] = ()
    objectives: Objectives = Objectives()
    augmentation: Augmentation = Augmentation()
    steps: int = Field(default=2000, ge=1)
    batch_size: int = Field(default=32, ge=2)
    learning_rate: float = Field(default=5e-4, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    warmup_fraction: float = Field(default=0.05, ge=0, lt=1)
    gradient_clip: float = Field(default=1.0, gt=0)
    validation_share: float = Field(default=0.15, gt=0, lt=1)
    validate_every: int = Field(default=100, ge=1)
    patience: int | None = Field(default=5, ge=1)
    bf16: bool = False
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _simulated_once(self) -> Self:
        if sum(source.simulated is not None for source in self.hear) > 1:
            raise ValueError("give `simulated` once, with all its `recordings`")
        return self

"""HTS-AT with weights that `respllm pretrain audio` made, or with none yet."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from transformers import ClapAudioModel

from respllm.audio.describing import DESCRIBED, KINDS, described
from respllm.audio.frontend import FRONTEND
from respllm.encoders import htsat_checkpoint
from respllm.encoders.architectures import ARCHITECTURES, Architecture
from respllm.encoders.htsat_encoder import HtsatEncoder
from respllm.errors import CheckpointError
from respllm.types import Precision

SHIPPED = Path(__file__).parent / "weights"
"""Package data: a folder for each encoder that comes with its weights."""


class PretrainedHtsat(HtsatEncoder):
    """HTS-AT of one of the two sizes, and beside what it learned what is known of each patch.

    A token is the network's output, then the levels, bursts and lasting tones of its patch
    (`respllm.audio.describing`): the network has learned to tell them, but not exactly.

    Args:
        name: registry name, also the architecture's.
        checkpoint: the folder, or the weights' file in it; None is what the package ships.
        precision: what the network computes in.

    Attributes:
        made: how the weights were made, as written beside them; empty for untrained ones.

    Raises:
        CheckpointError: nothing is shipped, or the checkpoint cannot be read or is of another size.
    """

    def __init__(
        self, name: str, checkpoint: Path | None = None, precision: Precision = "float32"
    ) -> None:
        super().__init__()
        path = SHIPPED / name if checkpoint is None else checkpoint
        if checkpoint is None and not path.is_dir():
            raise CheckpointError(
                f"No weights of the encoder {name!r} come with this installation",
                where=str(path),
                next_step="give the folder `encoder` of a `respllm pretrain audio` as the "
                "encoder's checkpoint, or choose the encoder 'mel-patch'",
            )
        found = htsat_checkpoint.describe(path)
        if found.architecture.name != name:
            raise CheckpointError(
                f"The checkpoint is of the encoder {found.architecture.name!r}",
                where=str(path),
                expected=f"one of {name!r}",
                next_step="name the encoder that it belongs to",
            )
        self.made = found.made
        learned = found.folder / htsat_checkpoint.LEARNED
        self.heard = learned if learned.is_file() else None
        self._build(found.architecture, seed=0)
        self.network.load_state_dict(
            htsat_checkpoint.read(found, self.network.state_dict()), strict=True
        )
        self.identity = f"{name}-{found.sha256[:16]}-{DESCRIBED}-{FRONTEND}"
        self.settle(precision)

    @classmethod
    def untrained(cls, name: str, seed: int = 0) -> Self:
        """The architecture with weights drawn from a seed: what pretraining is compared with."""
        encoder = cls.__new__(cls)
        HtsatEncoder.__init__(encoder)
        encoder.made = {}
        encoder._build(ARCHITECTURES[name], seed)
        encoder.identity = f"{name}-untrained-{seed}-{DESCRIBED}-{FRONTEND}"
        encoder.settle("float32")
        return encoder

    def _build(self, architecture: Architecture, seed: int) -> None:
        self.name = architecture.name
        self.architecture = architecture
        self.width = architecture.width + KINDS * architecture.patch[1]
        self.chunks = architecture.chunks
        self.bands = architecture.bands
        self.network = new_network(architecture, seed)

    def _encode(self, mel: Tensor) -> Tensor:
        known = [described(one, self.architecture.patch) for one in mel.float().cpu().numpy()]
        in_order = self.architecture.in_token_order(torch.from_numpy(np.stack(known)))
        return torch.cat([super()._encode(mel), in_order.to(mel.device)], dim=2)


def new_network(architecture: Architecture, seed: int) -> ClapAudioModel:
    """HTS-AT with weights drawn from a seed; no other random number is drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ClapAudioModel(architecture.config())

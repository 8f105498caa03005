"""Audio encoders by name. A new one is one module and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from respllm.encoders.architectures import ARCHITECTURES
from respllm.encoders.base import AudioEncoder
from respllm.errors import ConfigError, unknown_name
from respllm.types import Precision


def _mel_patch(checkpoint: Path | None, precision: Precision) -> AudioEncoder:
    from respllm.encoders.mel_patch import MelPatch

    if checkpoint is not None:
        raise ConfigError(
            f"The encoder 'mel-patch' has no weights, but got the checkpoint {checkpoint}",
            expected="no checkpoint",
            next_step="leave it out, or choose the encoder 'opera-ct'",
        )
    return MelPatch()


def _opera_ct(checkpoint: Path | None, precision: Precision) -> AudioEncoder:
    from respllm.encoders.opera_ct import OperaCT  # loads transformers: seconds

    return OperaCT(checkpoint, precision)


def _pretrained(name: str) -> Callable[[Path | None, Precision], AudioEncoder]:
    def build(checkpoint: Path | None, precision: Precision) -> AudioEncoder:
        from respllm.encoders.pretrained import PretrainedHtsat  # loads transformers: seconds

        return PretrainedHtsat(name, checkpoint, precision)

    return build


ENCODERS: Mapping[str, Callable[[Path | None, Precision], AudioEncoder]] = MappingProxyType(
    {
        "mel-patch": _mel_patch,
        "opera-ct": _opera_ct,
        **{name: _pretrained(name) for name in ARCHITECTURES},
    }
)
"""Registry name -> what builds the encoder from a checkpoint (None: the published or the shipped
one) and a precision."""


def load_encoder(
    name: str, checkpoint: Path | str | None = None, precision: Precision = "float32"
) -> AudioEncoder:
    """Build a frozen audio encoder.

    Args:
        name: registry name: "mel-patch" (no weights), "opera-ct", or "htsat-small" or "htsat",
            which `respllm pretrain audio` makes.
        checkpoint: local checkpoint; None fetches the published one from its model hub, or takes
            what the package ships.
        precision: what its network computes in; "mel-patch" has none.

    Raises:
        ConfigError: unknown name, or a checkpoint for an encoder that has no weights.
        CheckpointError: the checkpoint cannot be fetched or read, or belongs to another model.
    """
    build = ENCODERS.get(name)
    if build is None:
        raise ConfigError(unknown_name("encoder", name, ENCODERS), where="encoder")
    return build(None if checkpoint is None else Path(checkpoint), precision)

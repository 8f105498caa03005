"""What can go wrong while a dataset is fetched."""

from __future__ import annotations

from respllm.errors import DataError


class FetchError(DataError):
    """A publisher's server refuses or fails, or sends something else than it publishes."""


class UnsafeArchive(FetchError):  # noqa: N818
    """An archive that would write where it must not, or more than it may."""

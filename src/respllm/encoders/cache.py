"""Audio tokens, computed once and kept: one file per clip and encoder.

Layout: `<folder>/format`, `<folder>/<encoder identity>/<2 hex digits>/<40 hex digits>.safetensors`,
and `<folder>/tmp`, where an entry is written before it is renamed into place. So a run that is
killed leaves no broken entry, and processes may share a folder without locks: of two that compute
the same entry the later one stays, with the same tokens (safetensors writes the header's keys in
any order, so the files may differ in it). Damage on disk is noticed by a checksum.

What is kept is derived from patients: the folder is readable for its owner only.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import math
import os
import re
import time
import uuid
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from respllm.audio.conditions import VIEWS
from respllm.audio.frontend import FRONTEND_BITS
from respllm.errors import RespllmError

FORMAT = "1"
_STALE_SECONDS = 3600.0
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_SHA256 = re.compile(r"sha256='([0-9a-f]{64})'")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What an entry stands for.

    Attributes:
        encoder: identity of the encoder (name, weights, front-end).
        sha256: of the recording's bytes.
        start, stop: the stretch in seconds; `stop` None is the end.
        window: index of the window within the stretch.
        view: as in `Clip`.
    """

    encoder: str
    sha256: str
    start: float
    stop: float | None
    window: int
    view: int = 0


@dataclass(frozen=True, slots=True)
class Unusable:
    """A clip that was found to give no tokens, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class CacheSummary:
    """What a cache folder holds: entries and bytes, in all and by encoder identity."""

    folder: Path
    entries: int
    bytes: int
    by_encoder: dict[str, tuple[int, int]]


class TokenCache:
    """Tokens of clips, float32 (64, A), by `TokenKey`.

    Args:
        folder: made if it is not there.

    Raises:
        RespllmError: the folder holds another format, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            (folder / "tmp").mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            self._check_format()
            self._remove_stale()
        except OSError as error:
            raise _cannot_write(folder, error) from error

    def read(self, key: TokenKey, out: np.ndarray | None = None) -> np.ndarray | Unusable | None:
        """The tokens (64, A) of a clip, why it has none, or None: not known, or damaged on disk.

        Args:
            out: where to put the tokens, contiguous float32 of their shape; it is then what is
                returned. Its content is lost if something else is.
        """
        path = self._path(key)
        try:
            # safetensors' own reader maps the file and copies twice: half the speed.
            with open(path, "rb", buffering=0) as file:
                header = _Header.read(file)
                own = out is None or header.reason
                tokens = np.empty(header.shape, np.float32) if own else out
                assert tokens is not None
                if tokens.shape != header.shape:
                    raise _DamagedError(f"shape {header.shape}")
                file.readinto(tokens.reshape(-1).view(np.uint8).data)
            if header.crc32 != _checksum(tokens, header.reason):
                raise _DamagedError("checksum")
        except FileNotFoundError:
            return None
        except _DamagedError as error:
            _log.warning("The cache entry %s is damaged (%s): computing it again", path, error)
            return None
        return Unusable(header.reason) if header.reason else tokens

    def holds(self, key: TokenKey) -> Unusable | bool:
        """Whether the tokens of a clip are there, or why it has none, without reading them.

        A false byte in tokens of the right length is left for `read` to find.
        """
        try:
            with open(self._path(key), "rb", buffering=0) as file:
                if not _Header.read(file).reason:
                    return True
        except FileNotFoundError:
            return False
        except _DamagedError:
            pass  # `read` says what is wrong
        found = self.read(key)
        return found if isinstance(found, Unusable) else found is not None

    def write(self, key: TokenKey, found: np.ndarray | Unusable) -> None:
        """Keep the tokens of a clip, float32 (64, A), or why it has none.

        Raises:
            RespllmError: no space left, or the folder cannot be written. What was kept before
                stays.
        """
        reason = found.reason if isinstance(found, Unusable) else ""
        tokens = np.empty((0, 0), np.float32) if isinstance(found, Unusable) else found
        metadata = {"crc32": _checksum(tokens, reason), "key": repr(key), "unusable": reason}
        content = save({"tokens": np.ascontiguousarray(tokens, np.float32)}, metadata)
        path = Path(self._path(key))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._put(path, content)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def summary(self) -> CacheSummary:
        """Count entries and bytes."""
        by_encoder: dict[str, tuple[int, int]] = {}
        for path in self._entries():
            entries, size = by_encoder.get(path.parent.parent.name, (0, 0))
            by_encoder[path.parent.parent.name] = (entries + 1, size + path.stat().st_size)
        entries, size = (sum(column) for column in zip((0, 0), *by_encoder.values(), strict=True))
        return CacheSummary(self.folder, entries, size, by_encoder)

    def clear(self) -> int:
        """Remove all entries; returns how many there were."""
        removed = 0
        for path in self._entries():
            path.unlink(missing_ok=True)
            removed += 1
        return removed

    def remove(self, recordings: Collection[str]) -> int:
        """Remove what was made of recordings, whatever the encoder, stretch and front-end.

        Entries whose own header cannot be read go too: nobody can tell whose they are, and they
        would be computed again anyway.

        Args:
            recordings: SHA-256 of their bytes.

        Returns:
            How many entries there were.

        Raises:
            RespllmError: the folder cannot be written.
        """
        removed = 0
        try:
            for path in [*self._entries(), *(self.folder / "tmp").iterdir()]:
                if _recording(path) in {*recordings, None}:
                    path.unlink(missing_ok=True)
                    removed += 1
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        return removed

    def _path(self, key: TokenKey) -> str:
        assert _IDENTITY.fullmatch(key.encoder), f"no folder name: {key.encoder!r}"
        clip = f"{FRONTEND_BITS} {key.sha256} {key.start!r} {key.stop!r} {key.window}"
        if key.view:
            clip += f" {VIEWS} {key.view}"
        digest = hashlib.sha256(clip.encode()).hexdigest()[:40]
        return f"{self.folder}/{key.encoder}/{digest[:2]}/{digest}.safetensors"

    def _entries(self) -> list[Path]:
        return sorted(self.folder.glob("*/*/*.safetensors"))

    def _put(self, path: Path, content: bytes) -> None:
        draft = self.folder / "tmp" / uuid.uuid4().hex
        try:
            draft.write_bytes(content)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _check_format(self) -> None:
        path = self.folder / "format"
        if not path.exists():
            self._put(path, FORMAT.encode())
        found = path.read_text(errors="replace").strip()
        if found != FORMAT:
            raise RespllmError(
                f"The token cache has format {found!r}",
                where=str(self.folder),
                expected=f"format {FORMAT!r}",
                next_step="delete this folder (its content is computed again when needed), or "
                "point RESPLLM_CACHE elsewhere",
            )

    def _remove_stale(self) -> None:
        # Drafts of runs that were killed; a live one is renamed within milliseconds.
        for draft in (self.folder / "tmp").iterdir():
            try:
                if time.time() - draft.stat().st_mtime > _STALE_SECONDS:
                    draft.unlink()
            except FileNotFoundError:  # another process was faster
                continue


class _DamagedError(Exception):
    """An entry that is not as it was written."""


@dataclass(frozen=True, slots=True)
class _Header:
    """What an entry says of its tokens, in the layout of safetensors.

    Attributes:
        shape: of the tokens; (0, 0) with a reason.
        crc32: checksum of tokens and reason.
        reason: why there are none; "" if there are.
    """

    shape: tuple[int, ...]
    crc32: str
    reason: str

    @classmethod
    def read(cls, file: FileIO) -> _Header:
        """Read up to where the tokens begin.

        Raises:
            _DamagedError: no header, or a file of another length than it says.
        """
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= size - 8:
            raise _DamagedError("header")
        try:
            content = json.loads(file.read(length))
            tokens, about = content["tokens"], content["__metadata__"]
            shape = tuple(tokens["shape"])
            bytes_said = 4 * math.prod(shape)
            if tokens["dtype"] != "F32" or tokens["data_offsets"] != [0, bytes_said]:
                raise _DamagedError("header")
            found = cls(shape, about["crc32"], about["unusable"])
        except (ValueError, KeyError, TypeError) as error:
            raise _DamagedError("header") from error
        if size != 8 + length + bytes_said:
            raise _DamagedError(f"{size} bytes")
        return found


def _recording(path: Path) -> str | None:
    """The recording that an entry was made of; None if its header cannot be read, "" if gone."""
    try:
        with open(path, "rb", buffering=0) as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length < os.fstat(file.fileno()).st_size:
                return None
            key = json.loads(file.read(length))["__metadata__"]["key"]
            found = _SHA256.search(key)
            return found[1] if found else None
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError):
        return None


def _checksum(tokens: np.ndarray, reason: str) -> str:
    return f"{zlib.crc32(reason.encode(), zlib.crc32(np.ascontiguousarray(tokens).data)):08x}"


def _cannot_write(folder: Path, error: OSError) -> RespllmError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return RespllmError(
        "No space left for the token cache" if full else f"Cannot use the token cache: {error}",
        where=str(folder),
        next_step=("free space" if full else "make the folder writable")
        + ", or point RESPLLM_CACHE elsewhere, and run again: what was computed is kept",
    )

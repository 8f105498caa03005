"""What the service allows: sizes in bytes, times in seconds."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from respllm.errors import ConfigError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
MIN_TOKEN_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """The service's limits.

    Attributes:
        token: who knows it may ask; None lets everybody ask who reaches the port.
        allowed_hosts: names in a request's Host header, without port; others are refused, so that
            no page elsewhere can reach the service under a name of its own (DNS rebinding).
        allow_simulated_model: let a model that was trained on simulated recordings answer for any
            recording; every answer then says that it means nothing.
        max_upload_bytes: body of a request with one recording.
        max_table_bytes: body of a request with a table and its recordings.
        max_held_bytes: bodies of all requests at one time.
        max_cohort_rows: rows of a table.
        max_unpacked_bytes: recordings of one table together, unpacked.
        max_ratio: how many times its packed size a packed recording may have.
        max_seconds: length of a recording.
        max_samples: of a recording, all channels together, at its own rate.
        body_seconds, table_body_seconds: from a request's first byte to its last.
        slowest_bytes: per second that a sender must reach, after `grace_seconds`.
        grace_seconds: without a byte sent or taken, before the slow end is given up.
        answer_seconds: from a whole request to its answer; later, it is not computed any more.
        max_waiting: recordings taken in and not answered yet.
        max_attributions: attributions taken in and not answered yet.
        at_once: recordings answered in one batch, at most.
        at_once_clips: clips of those recordings; a longer recording is answered by itself.
        hearing_threads: recordings decoded side by side.
        max_connections: open at one time.
        max_requests: running at one time, not counting the probes of health.
        drain_seconds: between saying not to be ready any more and taking no more connections.
        shutdown_seconds: given to what was taken in, before the service ends.
    """

    token: str | None = None
    allowed_hosts: tuple[str, ...] = LOOPBACK_HOSTS
    allow_simulated_model: bool = False
    max_upload_bytes: int = 64 * 2**20
    max_table_bytes: int = 256 * 2**20
    max_held_bytes: int = 768 * 2**20
    max_cohort_rows: int = 10_000
    max_unpacked_bytes: int = 4 * 2**30
    max_ratio: float = 200.0
    max_seconds: float = 600.0
    max_samples: int = 2**28
    body_seconds: float = 120.0
    table_body_seconds: float = 600.0
    slowest_bytes: float = 4096.0
    grace_seconds: float = 10.0
    answer_seconds: float = 30.0
    max_waiting: int = 128
    max_attributions: int = 8
    at_once: int = 32
    at_once_clips: int = 64
    hearing_threads: int = min(4, os.cpu_count() or 1)
    max_connections: int = 1024
    max_requests: int = 512
    drain_seconds: float = 1.0
    shutdown_seconds: float = 120.0

    def __post_init__(self) -> None:
        """Check that it can be kept to.

        Raises:
            ConfigError: a token that is easily guessed, or a limit that is none.
        """
        if self.token is not None and (
            len(self.token) < MIN_TOKEN_CHARACTERS
            or not (self.token.isascii() and self.token.isprintable() and " " not in self.token)
        ):
            raise ConfigError(
                "The token is too short, or has other characters than letters, digits and marks",
                expected=f"at least {MIN_TOKEN_CHARACTERS} of them",
                next_step='python -c "import secrets; print(secrets.token_urlsafe(32))"',
            )
        if not self.allowed_hosts:
            raise ConfigError("No host is allowed", next_step="name one with --allowed-host")
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                least = 0 if name == "drain_seconds" else 1e-3
                if not (math.isfinite(value) and value >= least):
                    raise ConfigError(f"{value} is no limit", where=name, expected="above 0")

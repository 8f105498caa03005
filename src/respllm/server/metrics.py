"""What the service counts, for Prometheus: numbers of requests, never anything in them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 2, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)


class Metrics:
    """Counters of one application, on a registry of its own.

    Attributes:
        requests: answered, by method, route template and status.
        seconds: from a request's head to the end of its answer, by route template.
        waiting: recordings taken in and not answered yet.
        batch: recordings answered together.
        recordings: answered.
        refusals: what was not answered, by reason.
        held: bytes of bodies in memory.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "respllm_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "respllm_request_seconds",
            "From a request's head to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.waiting = Gauge(
            "respllm_waiting",
            "Recordings taken in and not answered yet.",
            registry=self._registry,
        )
        self.batch = Histogram(
            "respllm_batch_recordings",
            "Recordings answered together.",
            buckets=BATCHES,
            registry=self._registry,
        )
        self.recordings = Counter(
            "respllm_recordings", "Recordings answered.", registry=self._registry
        )
        self.refusals = Counter(
            "respllm_refusals",
            "What was not answered, by reason.",
            ("reason",),
            registry=self._registry,
        )
        self.held = Gauge(
            "respllm_held_bytes", "Bodies of requests in memory.", registry=self._registry
        )

    def refused(self, reason: str) -> None:
        """Count a refusal."""
        self.refusals.labels(reason).inc()

    def text(self) -> bytes:
        """All counters in Prometheus's text format."""
        return generate_latest(self._registry)

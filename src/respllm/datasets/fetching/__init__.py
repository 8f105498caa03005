"""Datasets from their publishers: resumable downloads, checksums, safe unpacking."""

from respllm.datasets.fetching.connecting import Connection, Patience
from respllm.datasets.fetching.errors import FetchError, UnsafeArchive
from respllm.datasets.fetching.fetch import Fetched, FetchPlan, fetch, plan_fetch
from respllm.datasets.fetching.remote import Archive, Listing, RemoteFile
from respllm.datasets.fetching.sources import AGREEMENT, SOURCES, Source
from respllm.datasets.fetching.unpacking import Limits, unpack

__all__ = [
    "AGREEMENT",
    "SOURCES",
    "Archive",
    "Connection",
    "FetchError",
    "FetchPlan",
    "Fetched",
    "Limits",
    "Listing",
    "Patience",
    "RemoteFile",
    "Source",
    "UnsafeArchive",
    "fetch",
    "plan_fetch",
    "unpack",
]

"""Frozen audio encoders: log-mel to 64 audio tokens, computed once and kept."""

from respllm.encoders.base import N_TOKENS, AudioEncoder
from respllm.encoders.cache import CacheSummary, TokenCache, TokenKey, Unusable
from respllm.encoders.encode import TOKENS_FOLDER, EncodedClips, Skipped, encode_clips
from respllm.encoders.registry import ENCODERS, load_encoder

__all__ = [
    "ENCODERS",
    "N_TOKENS",
    "TOKENS_FOLDER",
    "AudioEncoder",
    "CacheSummary",
    "EncodedClips",
    "Skipped",
    "TokenCache",
    "TokenKey",
    "Unusable",
    "encode_clips",
    "load_encoder",
]

"""Sound: file or bytes to waveform to log-mel. Nothing here needs torch."""

from respllm.audio.frontend import (
    FRONTEND,
    count_windows,
    log_mel,
    log_mels,
    trim_silence,
    windows,
)
from respllm.audio.headers import AudioFacts, read_facts
from respllm.audio.index import AudioIndex, default_cache_dir
from respllm.audio.loading import MAX_SECONDS, SAMPLE_RATE, load_audio
from respllm.audio.quality import Quality, check_usable, measure, warnings

__all__ = [
    "FRONTEND",
    "MAX_SECONDS",
    "SAMPLE_RATE",
    "AudioFacts",
    "AudioIndex",
    "Quality",
    "check_usable",
    "count_windows",
    "default_cache_dir",
    "load_audio",
    "log_mel",
    "log_mels",
    "measure",
    "read_facts",
    "trim_silence",
    "warnings",
    "windows",
]

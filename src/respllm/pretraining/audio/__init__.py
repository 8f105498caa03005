"""Self-supervised pretraining of audio encoders, on any folders of recordings."""

from respllm.pretraining.audio.pretrain import PretrainingSummary, Validation, pretrain_audio
from respllm.pretraining.audio.settings import AudioPretraining

__all__ = ["AudioPretraining", "PretrainingSummary", "Validation", "pretrain_audio"]

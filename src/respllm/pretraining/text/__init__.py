"""A small language model, pretrained on medical texts."""

from respllm.pretraining.text.pretrain import TextPretrainingResult, pretrain_text
from respllm.pretraining.text.settings import TextPretraining

__all__ = ["TextPretraining", "TextPretrainingResult", "pretrain_text"]

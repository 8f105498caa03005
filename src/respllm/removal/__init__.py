"""A person is removed: from the cache, from results, and from every later training and test."""

from respllm.removal.forgetting import Forgotten, forget

__all__ = ["Forgotten", "forget"]

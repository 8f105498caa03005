"""Large libraries, loaded without a pause for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def libraries() -> Iterator[None]:
    """Import torch, transformers and what needs them within this.

    They make about a million objects that live as long as the process. Looking for garbage among
    them took a fifth of the time to import them, and a second when the process ended.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        if not gc.get_freeze_count():  # later there may be garbage, which would be kept for good
            gc.freeze()

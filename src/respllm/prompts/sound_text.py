"""What is known of a labelled clip's sound, as text: what audio tokens are aligned with."""

from __future__ import annotations

from collections.abc import Sequence

from respllm.prompts.dms_text import dms_text
from respllm.types import Dms

ADDED_SOUNDS = ("crackles", "wheezes")
"""What is annotated in lung sounds."""


def sound_text(
    sound: str, answer: str, added_sounds: Sequence[str] | None, location: str | None
) -> str:
    """Write what a clip sounds of: "lung sounds, COPD, with crackles."

    It holds the answer, so it is for training clips alone, and never stands before the model when
    that is asked. Nothing else of a person is told: no age, gender, history or symptom.

    Args:
        sound: what is listened to: "lung sounds".
        answer: the word of the clip's answer: "COPD".
        added_sounds: which of `ADDED_SOUNDS` are annotated in the clip; () none of them, None:
            nobody annotated it.
        location: where on the body it was recorded, if stated; written as in the DMS text.
    """
    parts = [sound, answer]
    if added_sounds is not None:
        kind = "with" if added_sounds else "without"
        parts.append(f"{kind} {' and '.join(added_sounds or ADDED_SOUNDS)}")
    where = dms_text(Dms(recording_location=location))
    return f"{', '.join(parts)}. {where}".rstrip()

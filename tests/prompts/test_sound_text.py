"""What a labelled clip is said to sound of, and what is never said."""

from __future__ import annotations

import pytest

from respllm.prompts import sound_text

LUNG = "lung sounds"


@pytest.mark.parametrize(
    ("added_sounds", "location", "text"),
    [
        (None, None, "lung sounds, COPD."),
        (("crackles",), None, "lung sounds, COPD, with crackles."),
        (("wheezes",), None, "lung sounds, COPD, with wheezes."),
        (("crackles", "wheezes"), None, "lung sounds, COPD, with crackles and wheezes."),
        ((), None, "lung sounds, COPD, without crackles and wheezes."),
        (
            ("wheezes",),
            "left anterior chest",
            "lung sounds, COPD, with wheezes. Record location: left anterior chest.",
        ),
        (None, "trachea", "lung sounds, COPD. Record location: trachea."),
    ],
)
def test_what_is_known_is_said_and_no_more(
    added_sounds: tuple[str, ...] | None, location: str | None, text: str
) -> None:
    assert sound_text(LUNG, "COPD", added_sounds, location) == text


def test_a_location_from_a_table_cannot_imitate_a_sentence() -> None:
    text = sound_text(LUNG, "COPD", None, "back. Gender: Male.")
    assert text == "lung sounds, COPD. Record location: back Gender Male."

"""X_d, a person's demographics, medical history and symptoms as text (paper 3.2, Figure 5)."""

from __future__ import annotations

import math
import unicodedata

from respllm.types import Dms

MAX_ITEM_CHARACTERS = 100


def dms_text(dms: Dms) -> str:
    """Write what a person stated. A field that is `None` is omitted; all `None` gives "".

    So is an age that is no number (NaN), and words of which nothing is left once they are inert.

    Free words from a table or a form are rendered inert: control and formatting characters are
    dropped, white space is one space, and the marks that end a sentence or a list item become
    spaces, so that no field can imitate another.
    """
    sentences = []
    if dms.gender is not None:
        sentences.append(_stated("Gender", _inert(dms.gender)))
    if dms.age is not None:
        sentences.append(_stated("Age", _age(dms.age)))
    if dms.medical_history is not None:
        sentences.append(
            _stated(
                "Patient presents with the following medical history conditions",
                _join(dms.medical_history),
            )
            if dms.medical_history
            else "Patient presents with no medical history conditions."
        )
    if dms.symptoms is not None:
        sentences.append(
            _stated("Patient presents with the following respiratory symptoms", _join(dms.symptoms))
            if dms.symptoms
            else "Patient presents with no obvious respiratory symptoms."
        )
    if dms.recording_location is not None:
        sentences.append(_stated("Record location", _inert(dms.recording_location)))
    return " ".join(filter(None, sentences))


def has_long_words(dms: Dms) -> bool:
    """Whether a field or a list item is longer than 100 characters, so that its end is not told."""
    words = (dms.gender, dms.age, dms.recording_location, *(dms.medical_history or ()))
    return any(
        isinstance(text, str) and len(_on_one_line(text)) > MAX_ITEM_CHARACTERS
        for text in (*words, *(dms.symptoms or ()))
    )


def _stated(what: str, words: str) -> str:
    return f"{what}: {words}." if words else ""


def _age(age: float | str) -> str:
    if isinstance(age, str):
        return _inert(age)
    return f"{age:g}" if math.isfinite(age) else ""


def _join(items: tuple[str, ...]) -> str:
    return ", ".join(filter(None, map(_inert, items)))


def _inert(text: str) -> str:
    return _on_one_line(text)[:MAX_ITEM_CHARACTERS].rstrip()


def _on_one_line(text: str) -> str:
    kept = (
        " " if character in ".,;:\n\r\t" or character.isspace() else character
        for character in text
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    return " ".join("".join(kept).split())

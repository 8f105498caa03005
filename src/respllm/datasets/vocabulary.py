"""The one vocabulary: every name that an adapter may give to what a person stated.

Adapters hold their dataset's own codes and map them to these names. The prompts write the names
as they stand, so that a condition reads the same whatever dataset it comes from. Smoking is no
medical history and no symptom here: it is the answer of tasks S5 and S6.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from respllm.types import Gender

MEDICAL_HISTORY: tuple[str, ...] = (
    "angina",
    "asthma",
    "cancer",
    "chronic lung disease",
    "chronic obstructive pulmonary disease",
    "cystic fibrosis",
    "diabetes",
    "heart attack",
    "HIV or impaired immunity",
    "hypertension",
    "ischaemic heart disease",
    "organ transplant",
    "other heart disease",
    "other long-term condition",
    "other lung disease",
    "other pre-existing condition",
    "other respiratory condition",
    "pneumonia",
    "pulmonary fibrosis",
    "stroke or transient ischaemic attack",
    "valvular heart disease",
)

SYMPTOMS: tuple[str, ...] = (
    "abdominal pain",
    "breathing difficulties",
    "change to sense of smell or taste",
    "chest tightness",
    "chills",
    "cold",
    "cough",
    "diarrhoea",
    "dizziness",
    "dry cough",
    "fatigue",
    "fever",
    "headache",
    "loss of smell or taste",
    "loss of taste",
    "muscle pain",
    "new continuous cough",
    "other symptom",
    "runny or blocked nose",
    "shortness of breath",
    "sore throat",
    "wet cough",
)

RECORDING_LOCATIONS: tuple[str, ...] = (
    # ICBHI: the trachea, or a side of the chest wall.
    "trachea",
    *(
        f"{side} {aspect} chest"
        for side in ("left", "right")
        for aspect in ("anterior", "posterior", "lateral")
    ),
    # KAUH: a position and its side words, in the order in which they are written.
    *(
        f"{position} {side} {level}"
        for position in ("anterior", "posterior")
        for side in ("left", "right")
        for level in ("upper", "middle", "lower")
    ),
    "anterior upper right",
    "posterior",
    "posterior left lower right",
    "posterior lower right",
)

GENDER_CODES: Mapping[str, Gender] = MappingProxyType(
    {
        "f": "Female",
        "female": "Female",
        "m": "Male",
        "male": "Male",
        "other": "Other",
    }
)
"""What datasets write for a gender, in lower case."""

NOT_STATED = frozenset(
    {"", "na", "n/a", "nan", "none", "not stated", "pnts", "prefer not to say", "unknown"}
)
"""What datasets write where a person gave no answer, in lower case. "None" is one only for an age
or a gender: in a list of conditions it states that there are none."""

"""The examples of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from respllm.evaluation import DISCLAIMER

PREDICT_JSON: dict[str, Any] = {
    "audio": "UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA=",
    "task": "S7",
    "dms": {"age": 63, "gender": "F", "symptoms": ["cough"], "medical_history": []},
    "name": "visit 1",
}
PREDICTED: dict[str, Any] = {
    "name": "visit 1",
    "task": {"id": "S7", "condition": "COPD", "sound": "lung sounds", "validated": True},
    "probability": 0.71,
    "log_odds": 0.8954,
    "calibrated": {
        "probability": 0.66,
        "low": 0.58,
        "high": 0.73,
        "interval": "Venn-Abers, from the run's validation people",
        "unit": "subject",
        "n_positive": 31,
        "n_negative": 35,
    },
    "why_uncalibrated": "",
    "verdict": {
        "answer": "abstains",
        "level": 0.9,
        "text": "Neither answer can be ruled out at this level: the model abstains.",
    },
    "contributions": {
        "base": -0.1,
        "audio": 0.7954,
        "text": 0.2,
        "unit": "log-odds",
        "method": "Shapley values of two players",
    },
    "familiarity": {"percentile": 41.0, "unusual": False},
    "warnings": [],
    "notes": [],
    "means_nothing": False,
    "clips": 1,
    "prompt": {
        "task": "Dataset description: This data comes from the ICBHI dataset. [...]",
        "dms": "Gender: Female. Age: 63.",
        "audio": "64 audio tokens x 1",
    },
    "model_id": "respllm-0123456789ab",
    "notice": DISCLAIMER,
}
ANSWERS: dict[str, Any] = {
    "/v1/predict": PREDICTED,
    "/v1/listen": {
        "seconds": 6.65,
        "sound_seconds": 6.6,
        "peak_dbfs": -4.2,
        "rms_dbfs": -24.8,
        "clipped_fraction": 0.0,
        "usable": True,
        "reason": None,
        "warnings": [],
        "clips": 1,
        "waveform": {"low": [-0.1, -0.2], "high": [0.1, 0.2]},
        "spectrogram": {
            "frames": 1,
            "bands": 64,
            "seconds": 6.65,
            "low_hz": 50.0,
            "high_hz": 8000.0,
            "values": "A" * 84 + "AA==",
        },
        "notice": DISCLAIMER,
    },
}
TABLE_LINES = (
    '{"kind":"start","rows":2}\n'
    '{"kind":"answer","row":1,"name":"a.wav","probability":0.71,"...":"as /v1/predict"}\n'
    '{"kind":"refusal","row":2,"name":"b.wav","reason":"The recording is silent: [...]"}\n'
    f'{{"kind":"end","answered":1,"refused":1,"notice":"{DISCLAIMER}"}}\n'
)

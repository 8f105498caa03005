"""Texts small enough to be learned in a second."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from respllm.pretraining.text import TextPretraining

NOUNS = ("asthma", "cough", "fever", "smoking", "pollen", "oxygen", "throat", "winter", "children")
VERBS = ("causes", "prevents", "follows", "worsens", "resembles", "hides", "precedes")


def sentences(seed: int, count: int = 6) -> str:
    """Sentences that no other seed gives."""
    draw = random.Random(seed)
    return " ".join(
        f"{draw.choice(NOUNS)} number {draw.randrange(10**6)} {draw.choice(VERBS)} "
        f"{draw.choice(NOUNS)} and {draw.choice(NOUNS)}."
        for _ in range(count)
    )


def write_texts(path: Path, documents: list[dict[str, Any]]) -> Path:
    """Write gzipped JSON lines."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(document) + "\n" for document in documents)
    return path


def settings(**changes: Any) -> TextPretraining:
    """A pretraining of seconds on `texts.jsonl.gz`."""
    content: dict[str, Any] = {
        "name": "tiny",
        "sources": [
            {
                "path": "texts.jsonl.gz",
                "title": "Made-up sentences",
                "licence": "CC0",
                "attribution": "nobody",
                "text": "answer",
                "heading": "question",
                "topic": "focus",
            }
        ],
        "validation_share": 0.1,
        "test_share": 0.1,
        "model": {"vocabulary": 300, "width": 16, "layers": 2, "heads": 2, "inner": 32},
        "training": {
            "steps": 6,
            "context": 32,
            "batch_size": 4,
            "micro_batch_size": 2,
            "learning_rate": 0.01,
            "validate_every": 2,
            "dropout": 0.1,
        },
    }
    return TextPretraining.model_validate(content | changes)


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `texts.jsonl.gz`: 120 documents on 60 topics."""
    folder = tmp_path_factory.mktemp("texts")
    documents = [
        {"focus": f"topic {i // 2}", "question": "What is it ?", "answer": sentences(i)}
        for i in range(120)
    ]
    write_texts(folder / "texts.jsonl.gz", documents)
    return folder

"""Reading long documents in stretches gives each token its own probability."""

from __future__ import annotations

import numpy as np
import torch

from respllm.pretraining.text.language_model import LanguageModel, build_model
from respllm.pretraining.text.settings import Architecture

SMALL = Architecture(vocabulary=300, width=16, layers=2, heads=2, inner=32)
MODEL = build_model(SMALL, 0.0, "cpu", seed=1).eval()


def alone(ids: np.ndarray, context: int) -> list[float]:
    """Each token from the stretch it is scored in, one forward pass a token."""
    result = []
    for i in range(len(ids) - 1):
        start = 0 if i < context else (i - context // 2) // (context // 2) * (context // 2)
        with torch.inference_mode():
            tokens = torch.from_numpy(ids[start : i + 1])[None]
            logits = MODEL(input_ids=tokens).logits[0, -1]
        result.append(float(logits.log_softmax(-1)[ids[i + 1]]))
    return result


def test_documents_of_all_lengths_are_read_as_if_alone() -> None:
    draw = np.random.default_rng(0)
    documents = [np.append(0, draw.integers(1, 300, n)) for n in (1, 2, 7, 8, 9, 12, 13, 40)]
    read = LanguageModel(MODEL, context=8).log_probabilities(documents)
    for ids, values in zip(documents, read, strict=True):
        np.testing.assert_allclose(values, alone(ids, 8), atol=1e-4)


def test_the_default_has_about_ten_million_weights_and_tied_embeddings() -> None:
    with torch.device("meta"):
        model = build_model(Architecture(), 0.0, "meta", seed=0)
    assert sum(p.numel() for p in model.parameters()) == 10_059_840
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_weights_follow_the_seed_and_leave_the_callers_draws_alone() -> None:
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    one = build_model(SMALL, 0.0, "cpu", seed=1).state_dict()
    assert torch.equal(torch.rand(1), before)
    assert all(torch.equal(one[name], value) for name, value in MODEL.state_dict().items())
    other = build_model(SMALL, 0.0, "cpu", seed=2).state_dict()
    assert not torch.equal(one["lm_head.weight"], other["lm_head.weight"])

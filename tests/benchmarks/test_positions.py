from __future__ import annotations

from respllm.benchmarks.positions import mean_positions


def test_a_shared_prompt_is_counted_once_a_batch() -> None:
    prompt = [1, 2, 3, 4]
    texts = [(prompt, [5, 6]), (prompt, [7]), ([8, 9], [5])]
    together = (4 + 2 + 1 + 2 + 1) / 3
    assert mean_positions(texts, [range(3)]) == 64 + together
    assert mean_positions(texts, [[0], [1], [2]]) == 64 + (6 + 5 + 3) / 3


def test_kept_prompts_cost_nothing() -> None:
    texts = [([1, 2], [5, 6]), ([1, 2], [7]), ([3], [])]
    assert mean_positions(texts, [[0, 1], [2]], prompts_kept=True) == 64 + (2 + 1 + 0) / 3

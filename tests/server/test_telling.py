from __future__ import annotations

from itertools import combinations

from respllm.server.telling import VERDICTS


def test_every_set_of_answers_has_its_words() -> None:
    sets = {chosen for n in range(3) for chosen in combinations((0, 1), n)}
    assert set(VERDICTS) == sets
    assert VERDICTS[()][1] != VERDICTS[0, 1][1]
    assert all((word == "abstains") == (len(one) != 1) for one, (word, _) in VERDICTS.items())

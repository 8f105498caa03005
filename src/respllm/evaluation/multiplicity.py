"""Correction of p-values over tasks, so that one of many does not pass by luck."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) adjusted p-values; they hold under any dependence between the tests.

    Args:
        p_values: one a comparison. None (undefined) stays None and is not counted as a test.

    Raises:
        ValueError: a p-value outside 0 to 1, or nan.
    """
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    if any(not 0 <= p <= 1 for p in known):
        raise ValueError(f"p-values lie between 0 and 1, got {known}")
    if not known:
        return list(p_values)
    adjusted = iter(multipletests(known, method="holm")[1].tolist())
    return [None if p is None else next(adjusted) for p in p_values]

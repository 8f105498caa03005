"""Large libraries are loaded without looking for garbage, and the rest is done with it."""

from __future__ import annotations

import gc

import pytest

from respllm.cli.loading import libraries


def test_garbage_is_looked_for_again_afterwards() -> None:
    with libraries():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_garbage_of_an_earlier_verb_is_not_kept() -> None:
    with libraries():
        pass
    frozen = gc.get_freeze_count()
    garbage: list[object] = []
    garbage.append(garbage)
    with libraries():
        pass
    assert gc.get_freeze_count() <= frozen
    gc.unfreeze()


def test_also_after_a_library_that_is_missing() -> None:
    with pytest.raises(ModuleNotFoundError), libraries():
        import no_such_library  # type: ignore[import-not-found]  # noqa: F401
    assert gc.isenabled()
    gc.unfreeze()

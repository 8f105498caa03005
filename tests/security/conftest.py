"""The command, as the tests of `cli` run it."""

from tests.cli.conftest import respllm

__all__ = ["respllm"]

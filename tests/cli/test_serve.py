"""`respllm serve`: who is let in is settled before anything is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from respllm.cli.serve import serve
from respllm.errors import RespllmError

TOKEN = "a-token-of-32-characters-or-more"


def refused(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(serve)
    found = CliRunner().invoke(app, ["nowhere", *map(str, arguments)])
    assert isinstance(found.exception, RespllmError), found.output
    return str(found.exception)


def test_others_need_a_token_and_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESPLLM_TOKEN", raising=False)
    assert "no token is set" in refused("--host", "0.0.0.0", "--port", 0)
    monkeypatch.setenv("RESPLLM_TOKEN", TOKEN)
    assert "under which name" in refused("--host", "0.0.0.0", "--port", 0)


def test_a_token_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "token"
    assert "cannot be read" in refused("--token-file", path)
    path.write_text("\n")
    assert "holds no token" in refused("--token-file", path)
    path.write_text("short\n")
    assert "too short" in refused("--token-file", path)
    path.write_text(TOKEN + "\n")
    assert "No checkpoint in nowhere" in refused("--token-file", path, "--port", 0)


def test_the_command_line_starts_without_the_service() -> None:
    code = (
        "import sys; import respllm.cli.main, respllm.cli.serve; "
        "print(sorted({'fastapi', 'starlette', 'torch', 'uvicorn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

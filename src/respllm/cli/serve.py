"""`respllm serve RUN`: the service and its page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import AllowSimulated
from respllm.cli.output import out
from respllm.errors import ConfigError

TOKEN_VARIABLE = "RESPLLM_TOKEN"


def serve(
    run: Annotated[str, typer.Argument(help="Run folder, checkpoint folder or hub id.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than this needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(help=f"File with the token. Default: ${TOKEN_VARIABLE}.")
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A name under which the service is reached.")
    ] = None,
    encoder_checkpoint: Annotated[
        Path | None, typer.Option(help="Local weights of the audio encoder.")
    ] = None,
    allow_simulated_model: AllowSimulated = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve a model and its page. Research only, never a diagnosis."""
    token = _token(token_file)
    with libraries():
        from respllm.evaluation import DISCLAIMER
        from respllm.inference.answering import Answerer
        from respllm.models import default_device
        from respllm.server.app import create_app
        from respllm.server.processor import hear_alone, keep_freed_memory
        from respllm.server.running import LOOPBACK_ADDRESSES, listen_on
        from respllm.server.running import run as run_app
        from respllm.server.service import Service, card_of, results_of
        from respllm.server.settings import LOOPBACK_HOSTS, Settings

    settings = Settings(
        token=token,
        allowed_hosts=(*LOOPBACK_HOSTS, *(allowed_host or ())),
        allow_simulated_model=allow_simulated_model,
    )
    with listen_on(host, port, settings) as listener:
        answerer = Answerer.from_pretrained(
            run,
            device=default_device(),
            encoder_checkpoint=encoder_checkpoint,
            allow_simulated_model=True,
        )
        keep_freed_memory()
        hear_alone()
        results = results_of(run, answerer.predictor.checkpoint.config.protocol)
        app = create_app(Service(answerer, settings, results, card_of(run)))
        name = host if host in LOOPBACK_ADDRESSES else (allowed_host or [host])[0]
        shown = f"[{name}]" if ":" in name else name
        address = f"http://{shown}:{listener.getsockname()[1]}/"
        out.print(f"respllm serves {address}  {DISCLAIMER}", highlight=False, soft_wrap=True)
        if open_page:
            typer.launch(address)
        run_app(app, settings, listener)


def _token(file: Path | None) -> str | None:
    """The token of a file or the environment; None without one."""
    if file is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("The token cannot be read", where=str(file)) from error
    if not found:
        raise ConfigError("The file holds no token", where=str(file))
    return found

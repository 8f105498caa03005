"""`respllm cache`: show or clear what was kept of recordings."""

from __future__ import annotations

from typing import Annotated

import typer

from respllm.cli.output import JsonFlag, out, print_json


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete everything in it.")] = False,
    json: JsonFlag = False,
) -> None:
    """Show the cache of audio tokens and facts about files. It is derived from patients."""
    from respllm.audio import AudioIndex, default_cache_dir
    from respllm.encoders import TOKENS_FOLDER, TokenCache

    folder = default_cache_dir()
    tokens = TokenCache(folder / TOKENS_FOLDER)
    if clear:
        tokens.clear()
        AudioIndex(folder).clear()
    summary = tokens.summary()
    if json:
        print_json({"folder": folder, "cleared": clear, "tokens": summary})
        return
    out.print(f"Cache: {folder}" + (" (cleared)" if clear else ""), highlight=False)
    out.print(f"{summary.entries} sets of audio tokens, {summary.bytes / 2**20:.1f} MiB")
    out.print("It is derived from recordings of people: treat it like them. --clear deletes it.")

"""`respllm baselines CONFIG`: RespLLM beside every baseline, ablation and control."""

from __future__ import annotations

from typing import Annotated

import typer

from respllm.cli.comparing import (
    DEFAULT_SEEDS,
    OutFolder,
    ProtocolOption,
    RunFile,
    Seeds,
    begun,
    finish,
    open_study,
    print_comparison,
)
from respllm.cli.opening import DataRoot
from respllm.cli.output import JsonFlag, err, out, print_json


def baselines(
    config: RunFile,
    data_root: DataRoot,
    model: Annotated[
        list[str] | None,
        typer.Option(help="One of them only; may be repeated. Default: all."),
    ] = None,
    seeds: Seeds = DEFAULT_SEEDS,
    protocol: ProtocolOption = None,
    out_folder: OutFolder = None,
    json: JsonFlag = False,
) -> None:
    """Train RespLLM and what it is compared with, on the same people; run only what is missing."""
    from respllm.comparisons import everything

    study, chosen = open_study(config, data_root, out_folder, protocol, seeds)
    results = everything(study, chosen, begun, err, model)
    for result in results:
        finish(result, study, f"{'chosen' if model else 'all'}-{result.columns}")
    if json:
        print_json(results)
        return
    for result in results:
        print_comparison(result)
    out.print(f"Tables: {study.folder}", highlight=False)
    run = f"{study.folder}/respllm/seed-{chosen[0]}/run"
    out.print(f"Next: respllm evaluate {run} --data-root {data_root}, then audit and report it")

"""`respllm table N CONFIG`: one of the paper's tables."""

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


def table(
    number: Annotated[int, typer.Argument(min=2, max=7, help="2 to 7, as in the paper.")],
    config: RunFile,
    data_root: DataRoot,
    seeds: Seeds = DEFAULT_SEEDS,
    protocol: ProtocolOption = None,
    out_folder: OutFolder = None,
    json: JsonFlag = False,
) -> None:
    """Print a table of the paper with our numbers beside its own; run only what is missing."""
    from respllm.comparisons import paper_table

    study, chosen = open_study(config, data_root, out_folder, protocol, seeds)
    result = paper_table(number, study, chosen, begun, err)
    finish(result, study, f"table-{number}")
    if json:
        print_json(result)
        return
    print_comparison(result)
    out.print(f"Table: {study.folder}/table-{number}.md and .csv", highlight=False)
    out.print("Next: respllm baselines with the same arguments adds the controls.")

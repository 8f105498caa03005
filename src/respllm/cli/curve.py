"""`respllm curve CONFIG`: what more training people would bring."""

from __future__ import annotations

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


def curve(
    config: RunFile,
    data_root: DataRoot,
    seeds: Seeds = DEFAULT_SEEDS,
    protocol: ProtocolOption = None,
    out_folder: OutFolder = None,
    json: JsonFlag = False,
) -> None:
    """Train RespLLM on ever more people, test it on the same others; run only what is missing."""
    from respllm.comparisons import learning_curve

    study, chosen = open_study(config, data_root, out_folder, protocol, seeds)
    results = learning_curve(study, chosen, begun, err)
    for one in results:
        finish(one, study, f"curve-{one.columns}")
    if json:
        print_json(results)
        return
    for one in results:
        print_comparison(one)
    out.print(f"Tables: {study.folder}/curve-*.md and .csv", highlight=False)
    out.print(f"Next: respllm report RUN --study {study.folder} shows it as a plot.")

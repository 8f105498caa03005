"""`respllm bench`: how fast training and prediction are on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.output import JsonFlag, err, out, print_json

if TYPE_CHECKING:
    from respllm.benchmarks import BenchResult

GIGA = 1e9


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round of each: two minutes.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Measure speed against the published recipe written plainly, in one run (10 minutes)."""
    with libraries():
        from respllm.benchmarks import QUICK, Plan
        from respllm.benchmarks import bench as measure

    with err.status("") as status:
        result = measure(
            QUICK if quick else Plan(), lambda what: status.update(f"measuring: {what}")
        )
    if json:
        print_json(result)
        return
    _print(result)


def _print(result: BenchResult) -> None:
    from rich.table import Table

    table = Table(title="Against the plain recipe (examples a second)")
    for name in ("work", "precision"):
        table.add_column(name)
    for name in ("plain", "ours", "times", "aim", "limit", "of peak", "positions"):
        table.add_column(name, justify="right")
    for row in result.speeds:
        table.add_row(
            row.work,
            row.precision,
            f"{row.plain:.2f}",
            f"{row.ours:.1f}",
            f"{row.times:.1f}",
            "–" if row.aim is None else f"{row.aim:g}",
            "–" if row.limit is None else f"{row.limit:.1f}",
            "–" if row.peak_share is None else f"{row.peak_share:.0%}",
            "–" if row.positions is None else f"{row.positions:.0f}",
        )
    out.print(table)
    out.print(
        "The plain recipe encodes each recording anew, also where ours has cached tokens. limit: "
        "if all that is counted ran at the peak of matrix products and nothing else took time."
    )
    peaks = ", ".join(f"{value / GIGA:.0f} ({name})" for name, value in result.peaks.items())
    out.print(f"{result.machine}; {result.threads} threads; matrix products: {peaks} GFLOP/s")
    out.print(
        f"The plain recipe computes {result.plain_positions:.0f} positions an example, and the "
        f"encoder ({result.encoder_flops / GIGA:.1f} GFLOP a clip) anew each time."
    )
    encoding = ", ".join(f"{value:.1f} ({name})" for name, value in result.encoding.items())
    out.print(f"With a cold cache the first epoch adds its encoding: {encoding} clips a second.")
    found = result.agreement
    out.print(
        f"Float32 against the plain forward pass: logits differ by at most {found.logit:.1e}, "
        f"losses over {found.steps} steps by {found.loss:.1e}."
    )
    if result.memory is not None:
        peaks_of = {
            "plain": result.memory.plain,
            "float32": result.memory.float32,
            "bfloat16": result.memory.bfloat16,
        }
        text = ", ".join(f"{name} {value / 2**30:.2f}" for name, value in peaks_of.items() if value)
        out.print(f"Peak memory of a training process, GiB: {text}")

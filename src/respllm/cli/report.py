"""`respllm report RUN`: one page that says whether to believe a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from respllm.cli.audit import AUDIT, STYLES
from respllm.cli.loading import libraries
from respllm.cli.opening import RunArgument
from respllm.cli.output import JsonFlag, err, out, print_json


def report(
    run: RunArgument,
    data_root: Annotated[
        Path | None, typer.Option(help="The recordings; without them nothing is attributed.")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="Study folder, for baselines and learning curves.")
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(help="Record or subject id of a person to show; may be repeated."),
    ] = None,
    out_folder: Annotated[Path | None, typer.Option("--out", help="Default: RUN/report.")] = None,
    json: JsonFlag = False,
) -> None:
    """Write one HTML file and one Markdown file: findings first, then all they rest on."""
    with libraries():
        from respllm.evaluation import DISCLAIMER
        from respllm.inference.looks import log_look
        from respllm.reports import build_report, write_report
        from respllm.reports.assembling import assemble_inputs

    if data_root is not None:
        err.print("Attributing answers to sounds and words ...")
    inputs = assemble_inputs(
        run, audit_file=AUDIT, study=study, data_root=data_root, cases=case or ()
    )
    if data_root is not None:
        model = inputs.attributions[0].model_id if inputs.attributions else ""
        log_look(run / "results", model, inputs.protocol, "report")
    made = build_report(inputs)
    html, markdown = write_report(made, out_folder or run / "report")
    if json:
        print_json({"html": html, "markdown": markdown, "findings": made.findings})
        return
    if made.simulated:
        out.print("SIMULATED data: nothing here is about patients.")
    out.print(f"{made.findings.believe}: {made.findings.about}", highlight=False)
    for reason in made.findings.reasons:
        out.print(f"  {reason}", highlight=False)
    for statement in made.findings.loud:
        line = f"{statement.verdict}: {statement.text}"
        out.print(line, style=STYLES[statement.verdict], highlight=False)
    out.print(DISCLAIMER)
    out.print(f"Report: {html} and {markdown.name}", highlight=False)
    if inputs.audit is None:
        out.print(f"Next: respllm audit {run} --data-root DATA, then this again.")

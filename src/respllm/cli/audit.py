"""`respllm audit RUN`: questions put to a trained model and its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from respllm.cli.loading import libraries
from respllm.cli.opening import DataRoot, RunArgument, open_run
from respllm.cli.output import JsonFlag, out, print_json, progress_bar

if TYPE_CHECKING:
    from respllm.audits import AuditResult
    from respllm.evaluation.differences import Difference

AUDIT = "audit.json"
OWN = "its own"
STYLES = {"problem": "red", "note": "yellow", "fine": "green", "not checked": "dim"}


def audit(
    run: RunArgument,
    data_root: DataRoot,
    seed: Annotated[int, typer.Option(help="Of swaps, matching and permutations.")] = 0,
    json: JsonFlag = False,
) -> None:
    """Ask what each input adds, whether the question matters, for whom it works, and for leaks."""
    with libraries():
        from respllm.audits import audit as audit_model
        from respllm.audits import write_audit
        from respllm.inference.looks import log_look

    opened = open_run(run)
    with progress_bar("auditing") as progress:
        result = audit_model(
            opened.checkpoint,
            opened.encoder,
            opened.tasks,
            opened.trained,
            data_root,
            run=opened.config.name,
            protocol=opened.config.protocol,
            learned=opened.learned,
            seed=seed,
            progress=progress,
        )
    path = run / "results" / opened.config.protocol / AUDIT
    write_audit(path, result)
    log_look(run / "results", result.model_id, result.protocol, "audit")
    if json:
        print_json(result)
        return
    print_audit(result)
    out.print(f"Audit: {path}", highlight=False)
    out.print(f"Next: respllm report {run} --data-root {data_root}", highlight=False)


def print_audit(result: AuditResult) -> None:
    """What each input adds, what the question changes, then every finding, problems first."""
    from respllm.evaluation import DISCLAIMER

    title = "SIMULATED data. " if result.simulated else ""
    swapped = [effect for effect in result.inputs if effect.change == "swapped"]
    table = Table(title=f"{title}AUROC lost when an input is another person's", box=box.SIMPLE_HEAD)
    table.add_column("task")
    inputs = list(dict.fromkeys(effect.input for effect in swapped))
    for name in inputs:
        table.add_column(name, justify="right")
    for task_id in dict.fromkeys(effect.task_id for effect in swapped):
        found = {e.input: e.loss for e in swapped if e.task_id == task_id}
        table.add_row(task_id, *(_loss(found.get(name)) for name in inputs))
    out.print(table)
    table = Table(title=f"{title}AUROC when another question is asked", box=box.SIMPLE_HEAD)
    for name in ("task", "question", "AUROC", "rank correlation", "lost"):
        table.add_column(name, justify="left" if name in ("task", "question") else "right")
    for effect in result.questions:
        table.add_row(
            effect.task_id,
            effect.question,
            _three(effect.auroc),
            _three(effect.correlation),
            "" if effect.question == OWN else _loss(effect.loss),
        )
    out.print(table)
    out.print("Findings")
    for finding in result.findings:
        if finding.verdict == "fine":
            continue
        line = f"  {finding.verdict}: {finding.text}"
        out.print(line, style=STYLES[finding.verdict], highlight=False)
    fine = sum(finding.verdict == "fine" for finding in result.findings)
    out.print(f"  fine: {fine} more, in the audit's file and in the report", style=STYLES["fine"])
    out.print(DISCLAIMER)


def _loss(loss: Difference | None) -> str:
    if loss is None or loss.value is None or loss.low is None or loss.high is None:
        return "–"
    return f"{loss.value:+.3f}\n{loss.low:+.3f} to {loss.high:+.3f}"


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

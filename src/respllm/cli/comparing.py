"""What `respllm baselines`, `respllm table` and `respllm curve` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from respllm.cli.loading import libraries
from respllm.cli.output import err, out

if TYPE_CHECKING:
    from respllm.comparisons import ComparisonResult, Study

RunFile = Annotated[Path, typer.Argument(help="Run file (YAML) that trains RespLLM.")]
Seeds = Annotated[int, typer.Option(min=1, help="Each model is trained with so many seeds.")]
OutFolder = Annotated[
    Path | None, typer.Option("--out", help="Study folder. Default: studies/<name>-<protocol>.")
]
ProtocolOption = Annotated[
    str | None, typer.Option(help="clean or paper. Default: the run file's.")
]
DEFAULT_SEEDS = 5


def open_study(
    config: Path, data_root: Path, out_folder: Path | None, protocol: str | None, seeds: int
) -> tuple[Study, range]:
    """The study of a run file, and its seeds: the run's own and those after it."""
    with libraries():
        from respllm.cli.train import located
        from respllm.comparisons import Study
        from respllm.config import RunConfig, read_yaml
        from respllm.errors import ConfigError, unknown_name
        from respllm.types import PROTOCOLS

    run = located(read_yaml(config, RunConfig), config.parent)
    if protocol is not None:
        chosen = next((name for name in PROTOCOLS if name == protocol), None)
        if chosen is None:
            raise ConfigError(unknown_name("protocol", protocol, PROTOCOLS))
        run = run.model_copy(update={"protocol": chosen})
    folder = out_folder or Path("studies") / f"{run.name}-{run.protocol}"
    return Study(run, config.parent, data_root, folder), range(run.seed, run.seed + seeds)


def begun(what: str) -> None:
    """Say what is being trained."""
    err.print(f"Training {what} ...", highlight=False)


def finish(result: ComparisonResult, study: Study, name: str) -> None:
    """Keep a finished table in the study's folder."""
    from respllm.comparisons import comparison_frame, comparison_markdown
    from respllm.training import write_text

    comparison_frame(result).to_csv(study.folder / f"{name}.csv", index=False)
    write_text(study.folder / f"{name}.md", comparison_markdown(result))


def print_comparison(result: ComparisonResult) -> None:
    """The table, the leads of the reference, and the notes."""
    from respllm.comparisons import cells_of, columns_of, foot, leads_of, reference_title
    from respllm.evaluation import DISCLAIMER

    title = ("SIMULATED data. " if result.simulated else "") + result.title
    table = Table(title=title, box=box.SIMPLE_HEAD)
    leads = Table(title=f"{reference_title(result)} minus ...", box=box.SIMPLE_HEAD)
    for one in (table, leads):
        one.add_column("model", overflow="fold", min_width=12)
        for name in columns_of(result):
            one.add_column(name, justify="right")
    for row in result.rows:
        table.add_row(row.entry.title, *map("\n".join, cells_of(result, row)))
        if row.entry.name != result.reference and not row.not_run:
            found = (text.replace(" (", "\n(") for text in leads_of(result, row))
            leads.add_row(row.entry.title, *found)
    out.print(table)
    if leads.row_count:
        out.print(leads)
    for line in foot(result):
        out.print(line, highlight=False)
    out.print(DISCLAIMER)

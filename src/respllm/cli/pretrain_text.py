"""`respllm pretrain text CONFIG`: a small language model that has read medical texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from respllm.cli.loading import libraries
from respllm.cli.output import JsonFlag, err, out, plain, print_json

if TYPE_CHECKING:
    from respllm.pretraining.text.pretrain import TextPretrainingResult


def text(
    config: Annotated[Path, typer.Argument(help="Pretraining file (YAML); see configs/.")],
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run. Default: runs/<name>.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted run.")] = False,
    json: JsonFlag = False,
) -> None:
    """Learn a tokenizer and a small language model from texts, and test it on texts held out."""
    with libraries():
        from respllm.config import read_yaml
        from respllm.pretraining.text import TextPretraining, pretrain_text

    settings = read_yaml(config, TextPretraining)
    result = pretrain_text(
        settings,
        out_folder or Path("runs") / settings.name,
        source_folder=config.parent,
        resume=resume,
        console=err,
    )
    if json:
        print_json(_counted(result))
    else:
        _print(result)


def _counted(result: TextPretrainingResult) -> dict[str, Any]:
    """The result with numbers of documents in place of their positions."""
    content = plain(result)
    split = content["split"]
    content["split"] = {k: len(v) if isinstance(v, list) else v for k, v in split.items()}
    return content


def _print(result: TextPretrainingResult) -> None:
    from rich.table import Table

    split, cloze = result.split, result.cloze
    out.print(
        f"Read {len(split.train)} documents in {result.steps} steps; kept step {result.best_step} "
        f"({result.validation_loss:.3f} nats per token on {len(split.validation)} others).",
        highlight=False,
    )
    table = Table()
    for name in ("model", "perplexity", "bits per byte", f"cloze, {cloze.items} items (95%)"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for one, score in zip(result.perplexities, cloze.scores, strict=True):
        right = score.right
        table.add_row(
            one.model,
            f"{one.per_token:.1f}",
            f"{one.bits_per_byte:.3f}",
            f"{right.value:.2f} ({right.low:.2f} to {right.high:.2f})",
        )
    out.print(table)
    out.print(
        f"{len(split.test)} test documents share no topic and no near duplicate with the others. "
        f"Cloze, language model against bigram: {cloze.only_first} to {cloze.only_second} items "
        f"that only one got right (exact p = {cloze.p_value:.2g}).",
        highlight=False,
    )
    out.print(f"Next: set `model.llm: {result.folder / 'model'}` in a run file", highlight=False)

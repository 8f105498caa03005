"""The `respllm` command: one file per verb, heavy libraries loaded by the verbs that use them."""

from __future__ import annotations

import errno
import os
import sys
import warnings

import typer

from respllm.cli import (
    audit,
    baselines,
    bench,
    cache,
    curve,
    data,
    demo,
    doctor,
    evaluate,
    forget,
    predict,
    pretrain,
    pretrain_text,
    probe,
    report,
    serve,
    simulate,
    table,
    train,
)
from respllm.errors import RespllmError

app = typer.Typer(
    name="respllm",
    help="Respiratory health prediction from recordings and clinical text. "
    "Research software, never a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.add_typer(data.app, name="data")
app.command("simulate")(simulate.simulate)
app.command("train")(train.train)
pretrain.app.command("text")(pretrain_text.text)
app.add_typer(pretrain.app, name="pretrain")
app.command("probe")(probe.probe)
app.command("evaluate")(evaluate.evaluate)
app.command("baselines")(baselines.baselines)
app.command("table")(table.table)
app.command("curve")(curve.curve)
app.command("audit")(audit.audit)
app.command("report")(report.report)
app.command("predict")(predict.predict)
app.command("serve")(serve.serve)
app.command("cache")(cache.cache)
app.command("forget")(forget.forget)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command; what a user can mend is one line, not a traceback."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait by spinning slow a step twentyfold where other programs want the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Libraries warn about each other's internals; a user of this command can do nothing about it.
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        app()
    except RespllmError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        where = error.filename or "a file that was being written"
        full = error.errno == errno.ENOSPC
        what = "No space left on the disk" if full else error.strerror or str(error)
        hint = "free some space" if full else "check the path"
        print(
            f"error: {what}. Where: {where}. Next: {hint} and run again; what was finished is kept",
            file=sys.stderr,
        )
        sys.exit(2)

"""`respllm demo`: the whole path on a simulated cohort, in minutes, from nothing."""

from __future__ import annotations

import shutil
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.output import JsonFlag, err, out, plain, print_json, progress_bar

EXAMPLE_TASK = "T5"


def demo(
    folder: Annotated[Path, typer.Option(help="Where the cohort and the run are kept.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(help="Of the cohort.")] = 0,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Hear through the encoder htsat-small; slower.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Simulate, instruction-tune ONE model on S1-S7, test it on T1-T6 unchanged, predict."""
    begun = time.monotonic()
    with libraries():
        from respllm.cli.evaluate import evaluate_run
        from respllm.cli.results import print_results
        from respllm.config import EncoderConfig, RunConfig, read_yaml
        from respllm.inference import Predictor
        from respllm.simulation import simulate_cohort
        from respllm.tasks import get_task
        from respllm.training import train

    cohort, run = folder / "cohort", folder / "run"
    for earlier in (cohort, run):
        shutil.rmtree(earlier, ignore_errors=True)
    err.print("1/4 Writing a simulated cohort in the layouts of the five datasets ...")
    with progress_bar("writing recordings") as progress:
        simulated = simulate_cohort(cohort, seed=seed, progress=progress)
    err.print("2/4 Instruction-tuning one model on S1 to S7 ...")
    with as_file(files("respllm.cli").joinpath("demo.yaml")) as path:
        config = read_yaml(path, RunConfig)
    if pretrained:
        config = config.model_copy(update={"encoder": EncoderConfig(name="htsat-small")})
    with progress_bar("hearing recordings") as progress:
        summary = train(config, cohort, run, console=err, progress=progress)
    err.print("3/4 Testing it on held-out people, and unchanged on T1 to T6 ...")
    evaluation = evaluate_run(run, cohort)
    example = get_task(EXAMPLE_TASK).examples(cohort, "test", "clean")[0]
    record = example.clip.record
    answer = Predictor.from_pretrained(run).predict(record.audio_path, record.dms, EXAMPLE_TASK)
    seconds = time.monotonic() - begun
    if json:
        print_json(
            {
                "simulated": True,
                "cohort": plain(simulated),
                "training": plain(summary),
                "results": plain(evaluation.rows),
                "prediction": plain(answer),
                "seconds": seconds,
            }
        )
        return
    print_results(evaluation)
    err.print("4/4 Predicting one simulated recording ...")
    out.print(
        f"{record.audio_path.name}, task {EXAMPLE_TASK}: probability {answer.probability:.3f} "
        f"(true answer {example.label}). Simulated, not a diagnosis.",
        highlight=False,
    )
    out.print(f"Done in {seconds:.0f} s. Results: {evaluation.folder}", highlight=False)
    out.print(
        f"Next: respllm serve {run} (a page at http://127.0.0.1:8000), or "
        f'respllm predict "{record.audio_path}" --run {run} --task {EXAMPLE_TASK} '
        f"--age 63 --gender F",
        highlight=False,
        soft_wrap=True,
    )
    out.print(
        f"Whether to believe it: respllm audit {run} --data-root {cohort}, "
        f"then respllm report {run}",
        highlight=False,
        soft_wrap=True,
    )

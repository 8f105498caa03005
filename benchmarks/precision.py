"""Does bfloat16 change a result? AUROC of a run's test parts in both precisions.

    python benchmarks/precision.py RUN DATA_ROOT [--other RUN]

The same weights answer in float32 and, as `respllm predict --precision bfloat16`, in bfloat16. With
--other, a run of the same configuration
that was trained in bfloat16 is set beside it: two trainings differ by more than rounding.
This is a look at the test parts, and is logged as one in the run's folder.
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from pathlib import Path

from respllm.batching import ExampleSet, hear
from respllm.cli.opening import OpenRun, open_run
from respllm.encoders import load_encoder
from respllm.evaluation import ScoredClip, auroc_score
from respllm.inference.evaluate import held_out
from respllm.inference.looks import log_look
from respllm.models import for_inference, predict_logits


def aurocs(run: OpenRun, data_root: Path) -> dict[str, tuple[float, float, float]]:
    """Task -> AUROC in float32, in bfloat16, and the largest difference of a log-odds."""
    protocol = run.config.protocol
    model = for_inference(deepcopy(run.checkpoint.model), "bfloat16")
    encoder = load_encoder(run.config.encoder.name, run.config.encoder.checkpoint, "bfloat16")
    found = {}
    for task in run.tasks:
        tested = held_out(task.select(data_root, protocol), run.learned).parts["test"]
        log_look(
            run.folder.path / "results",
            run.checkpoint.model_id,
            protocol,
            "precision",
            {task.id: len(tested)},
        )
        heard = hear(tested, run.encoder)
        examples = ExampleSet(heard.examples, heard.tokens, run.checkpoint.tokenizer)
        exact = predict_logits(run.checkpoint.model, examples)
        coarse = hear(heard.examples, encoder)
        examples = ExampleSet(coarse.examples, coarse.tokens, run.checkpoint.tokenizer)
        rounded = predict_logits(model, examples, bf16=True)
        scores = [
            auroc_score(
                [ScoredClip.of(e, float(x)) for e, x in zip(heard.examples, logits, strict=True)]
            ).value
            for logits in (exact, rounded)
        ]
        if None not in scores:
            found[task.id] = (scores[0], scores[1], float(abs(exact - rounded).max()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--other", type=Path)
    options = parser.parse_args()
    first = aurocs(open_run(options.run), options.data_root)
    other = aurocs(open_run(options.other), options.data_root) if options.other else {}
    print(f"{'task':6} {'float32':>8} {'bfloat16':>8} {'change':>8} {'log-odds':>9}  trained so")
    for task, (exact, rounded, largest) in first.items():
        trained = f"{other[task][1]:8.4f}" if task in other else ""
        print(
            f"{task:6} {exact:8.4f} {rounded:8.4f} {rounded - exact:+8.4f} {largest:9.4f} {trained}"
        )
    mean = sum(rounded - exact for exact, rounded, _ in first.values()) / len(first)
    print(f"mean change {mean:+.4f}")


if __name__ == "__main__":
    main()

"""A GPU measured with a Llama-3-8B-shaped model of random weights.

    python benchmarks/gpu.py [--size 8b|tiny] [--device cuda|cpu] [--json]

LoRA training in bfloat16 and in 4 bits by the project's loop, batch 16; prediction from kept audio
tokens; peak memory; the paper's whole schedule; and the share of the GPU's measured matrix peak.
`--size tiny --device cpu` tries it out anywhere.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from respllm.benchmarks.gpu import measure_gpu
from respllm.benchmarks.gpu_results import AIM, MINIATURE, GpuPlan, GpuResult, GpuRow
from respllm.errors import RespllmError

PLANS = {"8b": GpuPlan(), "tiny": MINIATURE}
TERA = 1e12


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", choices=PLANS, default="8b", help="of the language model")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        result = measure_gpu(
            PLANS[options.size],
            options.device,
            lambda what: print(f"measuring: {what}", file=sys.stderr),
        )
    except RespllmError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        rows = [
            asdict(row)
            | {
                "positions_a_second": row.positions_a_second,
                "schedule_seconds": row.schedule_seconds,
            }
            for row in result.rows
        ]
        print(json.dumps(asdict(result) | {"rows": rows}, indent=2))
    else:
        show(result)
    return 0


def show(result: GpuResult) -> None:
    print(result.device)
    print(f"matrix peak in bfloat16: {result.matrix_peak / TERA:.3g} TFLOP/s")
    print(f"language model: {result.matrix_parameters / 1e9:.3g} billion matrix weights, random")
    for row in result.rows:
        show_row(row)
    for line in result.left_out:
        print(f"\nnot measured - {line}")


def show_row(row: GpuRow) -> None:
    print(f"\n{row.weights}, batch 16, {row.micro_batch} at once")
    print(
        f"  training    {row.samples:.2f} samples/s, {row.positions_a_second:.0f} positions/s "
        f"({row.positions:.0f} a sample), {row.peak_share:.1%} of the peak (aim {AIM:.0%}), "
        f"memory {gibibytes(row.training_bytes)}"
    )
    print(f"  validation  {row.validated:.1f} samples/s")
    print(f"  the paper's schedule: {row.schedule_seconds / 60:.1f} minutes")
    print(
        f"  prediction  {row.asked:.1f} records/s ({row.asked_positions:.0f} positions a record), "
        f"{row.asked_peak_share:.1%} of the peak, memory {gibibytes(row.asking_bytes)}"
    )


def gibibytes(size: int | None) -> str:
    return "not measured" if size is None else f"{size / 2**30:.1f} GiB"


if __name__ == "__main__":
    sys.exit(main())

"""`respllm doctor`: what this machine can run."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from respllm.cli.loading import libraries
from respllm.cli.output import JsonFlag, out, print_json

GIB = 2**30
BYTES_16_BIT = 2.0
BYTES_4_BIT = 0.6
WORKING_MEMORY = 1.25
"""Adapters, activations of 16 examples of 214 positions and buffers, over the weights alone: an
estimate from the shapes, not measured on these models."""


@dataclass(frozen=True, slots=True)
class PresetFit:
    """Whether a language model fits: estimated GiB in 16 and 4 bits."""

    preset: str
    hub_id: str | None
    gated: bool
    gib_16_bit: float
    gib_4_bit: float
    fits_16_bit: bool
    fits_4_bit: bool
    licence: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """This machine, and what fits into it."""

    python: str
    torch: str
    cpus: int
    memory_gib: float
    gpu: str | None
    gpu_gib: float
    bf16: bool
    free_disk_gib: float
    hub_token: bool
    presets: tuple[PresetFit, ...]


def doctor(
    folder: Annotated[Path, typer.Option(help="Where runs will be kept.")] = Path(),
    json: JsonFlag = False,
) -> None:
    """Say what this machine can run: memory per preset, GPU, gated models, hub token."""
    result = diagnose(folder)
    if json:
        print_json(result)
        return
    out.print(f"Python {result.python}, torch {result.torch}, {result.cpus} CPU cores")
    out.print(f"Memory {result.memory_gib:.0f} GiB, free disk {result.free_disk_gib:.0f} GiB")
    out.print(
        f"GPU: {result.gpu or 'none'}" + (f", {result.gpu_gib:.0f} GiB" if result.gpu else "")
    )
    out.print(f"bfloat16 arithmetic: {'yes' if result.bf16 else 'no'}")
    out.print(f"Hugging Face token: {'set' if result.hub_token else 'not set (hf auth login)'}")
    where = "GPU" if result.gpu else "main memory"
    table = Table(title=f"Training memory, estimated, against this machine's {where}")
    for name in ("preset", "16 bits", "fits", "4 bits", "fits", "gated", "licence"):
        table.add_column(name)
    for fit in result.presets:
        four = (
            ("–", "needs GPU")
            if not result.gpu
            else (f"{fit.gib_4_bit:.1f} GiB", _yes(fit.fits_4_bit))
        )
        table.add_row(
            fit.preset,
            f"{fit.gib_16_bit:.1f} GiB",
            _yes(fit.fits_16_bit),
            *four,
            "yes: accept its licence first" if fit.gated else "no",
            fit.licence,
        )
    out.print(table)
    out.print("Next: respllm demo")


def diagnose(folder: Path) -> Diagnosis:
    """Look at this machine; needs no network."""
    with libraries():
        import psutil
        import torch
        from huggingface_hub import get_token

        from respllm.models import PRESETS

    gpu = torch.cuda.is_available()
    gpu_gib = torch.cuda.get_device_properties(0).total_memory / GIB if gpu else 0.0
    memory = psutil.virtual_memory().total / GIB
    room = gpu_gib if gpu else memory
    fits = []
    for name, preset in PRESETS.items():
        sixteen = preset.parameters * 1e9 * BYTES_16_BIT * WORKING_MEMORY / GIB
        four = preset.parameters * 1e9 * BYTES_4_BIT * WORKING_MEMORY / GIB
        fits.append(
            PresetFit(
                name,
                preset.hub_id,
                preset.gated,
                round(sixteen, 1),
                round(four, 1),
                sixteen < room,
                gpu and four < room,
                preset.licence,
            )
        )
    return Diagnosis(
        python=platform.python_version(),
        torch=torch.__version__,
        cpus=psutil.cpu_count() or 1,
        memory_gib=round(memory, 1),
        gpu=torch.cuda.get_device_name() if gpu else None,
        gpu_gib=round(gpu_gib, 1),
        bf16=torch.cuda.is_bf16_supported() if gpu else _cpu_bf16(),
        free_disk_gib=round(shutil.disk_usage(folder).free / GIB, 1),
        hub_token=get_token() is not None,
        presets=tuple(fits),
    )


def _cpu_bf16() -> bool:
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported())


def _yes(value: bool) -> str:
    return "yes" if value else "no"

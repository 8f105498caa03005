"""Find a task: one of the thirteen by its id, or your own by its file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from respllm.config import parse, read_yaml
from respllm.datasets import DATASETS
from respllm.errors import ConfigError, unknown_name
from respllm.tasks.task import Task


@cache
def builtin_tasks() -> dict[str, Task]:
    """The paper's tasks by id: S1 to S7 are learned, T1 to T6 only tested (Table 1)."""
    source = files("respllm.tasks").joinpath("builtin.yaml")
    rows = yaml.safe_load(source.read_text(encoding="utf-8"))
    tasks = [parse(row, Task, where="builtin.yaml") for row in rows]
    return {task.id: task for task in tasks}


def get_task(name: str | Path, folder: Path | None = None) -> Task:
    """The task with this id, or the one in this task file.

    Args:
        name: "S1" to "S7", "T1" to "T6", or the path of a YAML task file.
        folder: where a relative path starts; by default the current directory.

    Raises:
        ConfigError: no such task or file, or a file with unknown or missing keys.
    """
    if isinstance(name, str) and not name.endswith((".yaml", ".yml")):
        if name not in builtin_tasks():
            raise ConfigError(
                unknown_name("task", name, builtin_tasks()),
                next_step="use one of these ids, or the path of a .yaml task file",
            )
        return builtin_tasks()[name]
    path = (folder or Path()) / name
    task = read_yaml(path, Task)
    if task.id in builtin_tasks():
        raise ConfigError(
            f"The id {task.id!r} belongs to a task of the paper",
            where=str(path),
            next_step="choose another id",
        )
    if task.table is not None and task.id in DATASETS:
        raise ConfigError(
            f"The id {task.id!r} is the name of a dataset, which begins its record ids",
            where=str(path),
            next_step="choose another id",
        )
    return task.located(path.parent)

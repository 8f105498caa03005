"""Tasks, declared as data: from a dataset's records to questions about clips."""

from respllm.tasks.joint import select_together
from respllm.tasks.learned import Learned
from respllm.tasks.registry import builtin_tasks, get_task
from respllm.tasks.selection import Exclusion, Selection
from respllm.tasks.task import DatasetSource, Task
from respllm.tasks.verification import Verification, verify

__all__ = [
    "DatasetSource",
    "Exclusion",
    "Learned",
    "Selection",
    "Task",
    "Verification",
    "builtin_tasks",
    "get_task",
    "select_together",
    "verify",
]

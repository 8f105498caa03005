"""Golden task prompts: Figure 5 of the paper."""

from __future__ import annotations

import pytest

from respllm.prompts import task_prompt
from respllm.tasks import builtin_tasks, get_task

GOLDEN = {
    "S1": "Dataset description: This data comes from the UK COVID-19 Vocal Audio Dataset. Task "
    "description: classify whether the participant has COVID-19 given the following information "
    "and audio of the person's exhalation sounds. Please output 1 for COVID19, and 0 for "
    "non-COVID19.",
    "S6": "Dataset description: This data comes from the COVID-19 Sounds dataset. Task "
    "description: classify whether the person is a smoker or not given the following information "
    "and audio of the person's cough sounds. Please output 1 for smoker, and 0 for non-smoker.",
    "S7": "Dataset description: This data comes from the ICBHI Respiratory Sound Database. Task "
    "description: classify whether the person has Chronic obstructive pulmonary disease (COPD) "
    "given the following information and audio of the person's lung sounds. Please output 1 for "
    "COPD, and 0 for healthy.",
    "T4": "Dataset description: This data comes from the Coswara Covid-19 dataset. Task "
    "description: classify whether the participant has COVID-19 given the following information "
    "and audio of the person's breathing-deep sounds. Please output 1 for COVID19, and 0 for "
    "non-COVID19.",
    "T6": "Dataset description: This data comes from the KAUH lung sound dataset, containing lung "
    "sounds recorded from the chest wall using an electronic stethoscope. Task description: "
    "classify whether the person has asthma given the following information and audio of the "
    "person's lung sounds. Please output 1 for asthma, and 0 for healthy.",
}


@pytest.mark.parametrize("task_id", sorted(GOLDEN))
def test_the_prompts_of_figure_5(task_id: str) -> None:
    assert task_prompt(get_task(task_id)) == GOLDEN[task_id]


def test_every_task_asks_another_question() -> None:
    prompts = [task_prompt(task) for task in builtin_tasks().values()]
    assert len(set(prompts)) == 13
    assert all("  " not in prompt for prompt in prompts)

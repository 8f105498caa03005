"""Task and run files."""

from __future__ import annotations

from pathlib import Path

from benchmarks.reliability.fuzzing.checks import check


class Settings:
    """Task and run files."""

    def __init__(self, folder: Path, kind: str) -> None:
        from respllm.batching import TextTokenizer
        from respllm.models.nano import nano_tokenizer

        self.path = folder / f"{kind}.yaml"
        self.kind = kind
        self.words = TextTokenizer(nano_tokenizer())

    def seeds(self) -> dict[str, bytes]:
        own = b"""id: mine
dataset_description: our clinic's recordings
question: whether the person has asthma
sound: lung sounds
word_for_1: asthma
word_for_0: healthy
role: source
condition: asthma
table:
  table: people.csv
  audio_root: sounds
  subject_column: person
  positive: [ill, 1]
  negative: well
  where: {site: A, day: 3}
  columns: {gender: sex, age: null}
"""
        known = (
            own[: own.index(b"table:")] + b"dataset: {name: icbhi, sound_type: lung, label: copd}\n"
        )
        run = b"""name: run
protocol: clean
tasks: {train: [S7, S1], test: [T5], learn: [S1]}
encoder: {name: opera-ct, checkpoint: w.ckpt}
model: {llm: nano, lora: {r: 8, alpha: 16.0}, head: attention, dtype: bfloat16}
training: &all {epochs: 3, batch_size: 16, micro_batch_size: 4, learning_rate: 1.0e-4}
baselines: {text: bert, training: *all}
limit_subjects: 20
seed: 7
"""
        return {"own": own, "known": known} if self.kind == "task" else {"run": run}

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        from respllm.config import RunConfig, parse, read_yaml
        from respllm.prompts import task_prompt
        from respllm.tasks import get_task

        self.path.write_bytes(content)
        if self.kind == "run":
            run = read_yaml(self.path, RunConfig)
            check(
                parse(run.model_dump(), RunConfig, "again") == run, "the run file does not survive"
            )
            return
        task = get_task(self.path)
        again = parse(task.model_dump(), type(task), "again").located(task.folder)
        check(again == task or ".nan" in content.decode(), "the task does not survive")
        ids = self.words.prompt_ids(task_prompt(task))
        check(not set(self.words.tokenizer.all_special_ids) & set(ids[1:]), "two beginnings")

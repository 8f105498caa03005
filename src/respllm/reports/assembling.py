"""From a run's folder, and what was made of it, to the inputs of its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from respllm.audits import read_audit
from respllm.audits.attribution import Attribution, attribute
from respllm.batching import ExampleSet, hear
from respllm.comparisons import (
    ComparisonResult,
    cells_of,
    collect,
    collect_curve,
    columns_of,
    foot,
    in_one_line,
)
from respllm.comparisons.study import read_config, read_record
from respllm.encoders import load_encoder
from respllm.errors import ConfigError
from respllm.evaluation import ResultRow, ScoredClip, ScoreRow, read_rows, read_scores
from respllm.evaluation.assess import assess
from respllm.evaluation.assessment import Assessment, CalibratedUnit
from respllm.inference.evaluate import ROWS, held_out
from respllm.inference.scoring import SCORES
from respllm.models import Checkpoint
from respllm.models.checkpoint import CARD
from respllm.reports.inputs import (
    BaselineDifference,
    Case,
    ComparisonTable,
    DataCount,
    LearningCurve,
    ReportInputs,
    RunFacts,
)
from respllm.tasks import Learned
from respllm.training import RunFolder
from respllm.training.data import run_selections
from respllm.types import SPLITS, Example, Split, Unit

ATTRIBUTED_PEOPLE = 24
"""Test people of each task whose answers are attributed."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    folder: RunFolder
    results: Path
    checkpoint: Checkpoint
    rows: tuple[ResultRow, ...]
    kept: list[ScoreRow]


def assemble_inputs(
    run: Path,
    *,
    audit_file: str,
    study: Path | None = None,
    data_root: Path | None = None,
    cases: Sequence[str] = (),
    seed: int = 0,
) -> ReportInputs:
    """Everything known about a run on its own protocol. Nothing is trained or tested anew.

    Args:
        run: a run folder that was evaluated.
        audit_file: name of the audit in its results, if one was made.
        study: folder of `respllm baselines`, `table` or `curve`, for the models beside it.
        data_root: the recordings, for attribution and for what was read of a case; None leaves
            both out.
        cases: record or subject ids of people to show by name.
        seed: of the attribution's examples and shuffled weights.

    Raises:
        ConfigError: no run or study there, a study of other data, or nobody of that name among the
            test people.
        DataError: the run was not evaluated.
    """
    folder = RunFolder(run)
    config = folder.read_config()
    results = run / "results" / config.protocol
    loaded = _Loaded(
        folder,
        results,
        Checkpoint.from_pretrained(run),
        read_rows(results / ROWS),
        read_scores(results / SCORES),
    )
    assessments = tuple(_assessed(loaded, row) for row in loaded.rows)
    audit = read_audit(results / audit_file) if (results / audit_file).is_file() else None
    parts = _test_parts(loaded, data_root)
    if study is not None:
        _check_study(study, loaded)
    tables = collect(study) if study else ()
    curves = collect_curve(study) if study else ()
    people = read_record(study).people if study else {}
    return ReportInputs(
        run=config.name,
        protocol=config.protocol,
        simulated=loaded.checkpoint.config.simulated
        or any(row.best_reachable is not None for row in loaded.rows)
        or (audit is not None and audit.simulated),
        rows=loaded.rows,
        assessments=assessments,
        audit=audit,
        comparisons=[_comparison(table) for table in tables],
        differences=[d for table in tables for d in _differences(table)],
        curves=[c for table in curves for c in _curves(table, people)],
        attributions=_attributions(loaded, parts, seed),
        card=(run / "model" / CARD).read_text(encoding="utf-8"),
        facts=_facts(folder.read_record(), config.seed, run),
        cases=_cases(loaded, assessments, cases, parts),
    )


def _check_study(study: Path, loaded: _Loaded) -> None:
    """Models may stand beside a run only where they share its people, parts and answers."""
    config = loaded.folder.read_config()
    other = read_config(study)
    if (other.protocol, other.tasks) != (config.protocol, config.tasks) or read_record(
        study
    ).splits != loaded.folder.read_record()["splits"]:
        raise ConfigError(
            f"The study in {study} is not about the people of this run",
            expected="a study with the same protocol, tasks and recordings",
            next_step="make one with the run's own run file and data, or leave --study out",
        )


def _assessed(loaded: _Loaded, row: ResultRow) -> Assessment:
    """One task; scores are log-odds after the prior's correction, as answers are given."""
    known = loaded.checkpoint.config.task(row.task_id)
    parts: dict[Split, list[ScoredClip]] = {"validation": [], "test": []}
    for kept in loaded.kept:
        if kept.scored.task_id == row.task_id:
            logit = kept.scored.logit
            corrected = known.corrected(logit) if known else logit
            parts[kept.part].append(replace(kept.scored, logit=corrected))
    # The paper counts recordings, whoever made them.
    unit: Unit | None = "recording" if row.protocol == "paper" else None
    found = assess(parts["validation"], parts["test"], unit=unit)
    return replace(found, task_id=row.task_id)


def _test_parts(loaded: _Loaded, data_root: Path | None) -> Mapping[str, Sequence[Example]]:
    """The test examples of every task; nothing where the recordings are not at hand."""
    if data_root is None:
        return {}
    place = loaded.folder.task_folder()
    learned = Learned.read(loaded.folder.learned)
    selections = run_selections(loaded.folder.read_config(), place, data_root)
    return {
        task_id: held_out(selection, learned).parts["test"]
        for task_id, selection in selections.items()
    }


def _attributions(
    loaded: _Loaded, parts: Mapping[str, Sequence[Example]], seed: int
) -> tuple[Attribution, ...]:
    settings = loaded.folder.read_config().encoder
    encoder = load_encoder(settings.name, settings.checkpoint) if parts else None
    found = []
    for part in parts.values():
        assert encoder is not None
        heard = hear(_one_each(part), encoder)
        if heard.examples:
            examples = ExampleSet(heard.examples, heard.tokens, loaded.checkpoint.tokenizer)
            positions = range(len(heard.examples))
            found.append(attribute(loaded.checkpoint, examples, positions, seed))
    return tuple(found)


def _one_each(examples: Iterable[Example]) -> list[Example]:
    """The first clip of each of some people, as many of either answer as can be."""
    people: dict[int, dict[str, Example]] = {0: {}, 1: {}}
    for example in examples:
        if example.label is not None:
            people[example.label].setdefault(example.clip.record.subject_id, example)
    half = ATTRIBUTED_PEOPLE // 2
    return [e for label in (0, 1) for e in list(people[label].values())[:half]]


def _comparison(table: ComparisonResult) -> ComparisonTable:
    rows = [(row.entry.title, *map(in_one_line, cells_of(table, row))) for row in table.rows]
    return ComparisonTable(
        table.title, ("Model", *columns_of(table)), tuple(rows), tuple(foot(table))
    )


def _differences(table: ComparisonResult) -> Iterable[BaselineDifference]:
    for row in table.rows:
        for cell in row.cells:
            if cell.lead is not None:
                yield BaselineDifference(cell.task_id, row.entry.title, cell.lead)


def _curves(table: ComparisonResult, people: Mapping[str, int]) -> Iterable[LearningCurve]:
    """One curve a task, over the people of the largest task; the last row is all of them."""
    largest = max(people.values())
    for place, task_id in enumerate(table.tasks):
        points = []
        for row in table.rows:
            score = row.cells[place].score
            size = row.entry.limit_subjects or largest
            if score is not None and score.value is not None:
                points.append((size, score.value, score.low or 0.0, score.high or 1.0))
        if len(points) > 1:
            sizes, values, low, high = zip(*points, strict=True)
            yield LearningCurve("RespLLM", task_id, sizes, values, low, high)


def _facts(record: Mapping[str, Any], seed: int, run: Path) -> RunFacts:
    counts = tuple(
        DataCount(task_id, split, data["clips"][split], data["subjects"][split])
        for task_id, data in record["data"].items()
        for split in SPLITS
        if data["clips"][split]
    )
    return RunFacts(
        versions=tuple(record["versions"].items()),
        seed=seed,
        counts=counts,
        hardware=f"{record['device']}, {record['platform']}",
        commands=(
            "respllm train CONFIG --data-root DATA",
            f"respllm audit {run.name} --data-root DATA",
            f"respllm report {run.name} --data-root DATA",
        ),
    )


def _cases(
    loaded: _Loaded,
    assessments: Sequence[Assessment],
    names: Sequence[str],
    parts: Mapping[str, Sequence[Example]],
) -> tuple[Case, ...]:
    found = []
    for name in names:
        own = [
            (assessment, unit)
            for assessment in assessments
            for unit in assessment.units
            if name in (unit.unit_id, unit.subject_id)
        ]
        if not own:
            raise ConfigError(
                f"Nobody is called {name!r} among the test people",
                expected="the id of a recording or person of a calibrated task's test part",
                next_step=f"look it up in {loaded.results / SCORES}",
            )
        found += [_case(name, a, unit, parts.get(a.task_id, ())) for a, unit in own]
    return tuple(found)


def _case(name: str, assessment: Assessment, unit: CalibratedUnit, part: Sequence[Example]) -> Case:
    told = {e.dms_text for e in part if e.clip.record.subject_id == unit.subject_id}
    return Case(
        name=name,
        task_id=assessment.task_id,
        label=unit.label,
        probability=unit.probability,
        low=unit.low,
        high=unit.high,
        answers=unit.answers,
        dms_text=" / ".join(sorted(told)),
        notes=() if part else ("without --data-root it is not shown what the model read",),
    )

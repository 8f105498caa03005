"""Controls without a neural network: scikit-learn on flat fields of a person or a recording."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from respllm.batching import balanced_weights
from respllm.batching.hard_dms import (
    LOCATION_WORDS,
    OTHER,
    age_span,
    location_flags,
    name_flags,
)
from respllm.datasets.vocabulary import MEDICAL_HISTORY, SYMPTOMS
from respllm.errors import ConfigError, DataError, unknown_name
from respllm.evaluation.trivial import SEX
from respllm.types import Dms, Example

TabularKind = Literal["logistic", "trees"]

FOLDS = 5
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse penalties of the logistic regression, tried from the strongest penalty on."""
MIN_PEOPLE = 2
"""Of each answer; with fewer there is nothing to learn a difference from."""
MIN_FOLDS = 2


@dataclass(frozen=True, slots=True)
class FittedTabular:
    """A fitted control.

    Attributes:
        kind: "logistic" or "trees".
        columns: it reads.
        words: those of them that hold categories.
        strength: inverse penalty chosen by cross-validation over training people; None for trees.
    """

    kind: TabularKind
    columns: tuple[str, ...]
    words: tuple[str, ...]
    strength: float | None
    _pipeline: Any = dataclasses.field(repr=False)

    def logits(self, rows: pd.DataFrame) -> np.ndarray:
        """Log-odds of answer 1 against 0, (n,) float64, in the order of `rows`.

        Raises:
            DataError: columns are missing.
        """
        missing = [name for name in self.columns if name not in rows]
        if missing:
            raise DataError(
                f"Columns are missing: {', '.join(missing)}",
                where="rows of a tabular control",
                expected=", ".join(self.columns),
                next_step="make the rows as for training",
            )
        if not len(rows):
            return np.zeros(0)
        # A category that is missing in every row is no word to look at, but it is one by training.
        own = rows[list(self.columns)].astype(dict.fromkeys(self.words, object))
        own = own.assign(**{name: own[name].where(own[name].notna(), None) for name in self.words})
        return np.asarray(self._pipeline.decision_function(own), float)


def fit_tabular(
    kind: TabularKind,
    examples: Sequence[Example],
    rows: pd.DataFrame,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> FittedTabular:
    """Fit a logistic regression or gradient-boosted trees to one task's training examples.

    logistic: numbers are scaled, a missing one is the training mean with an indicator beside it,
    categories are one-hot; the penalty is chosen by the AUROC in cross-validation that keeps a
    person in one fold. trees: histogram boosting (Ke et al. 2017), missing values and categories as
    they are, small trees without early stopping, fixed hyper-parameters. A category that training
    never saw counts as missing.

    Args:
        examples: labelled, of one task.
        rows: a row for each: numbers (NaN: missing) or text columns (None: missing).
        weights: of each example; None balances classes and people as the other models do.
        seed: divides the folds.

    Raises:
        ConfigError: an unknown kind.
        DataError: fewer than two people of either answer, unlabelled examples, or no such rows.
    """
    if kind not in _MAKERS:
        raise ConfigError(unknown_name("tabular control", kind, _MAKERS))
    labels = _checked_labels(examples, rows)
    if weights is None:
        weights = balanced_weights(examples)
    # A column that states nothing in training has no mean, and nothing could be learned of it.
    rows = rows.loc[:, rows.notna().any().to_numpy()]
    if not rows.shape[1]:
        raise DataError(
            "No value is stated in any row",
            where="rows of a tabular control",
            expected="at least one column with values",
            next_step="leave this control out for this task",
        )
    pipeline = _MAKERS[kind](rows, seed)
    strength = None
    if kind == "logistic":
        people = np.array([example.clip.record.subject_id for example in examples])
        strength = _strength(pipeline, rows, labels, weights, people, seed)
        pipeline.set_params(model__C=strength)
    pipeline.fit(rows, labels, model__sample_weight=weights)
    return FittedTabular(kind, tuple(rows.columns), tuple(_kinds(rows)[1]), strength, pipeline)


def dms_rows(people: Sequence[Dms]) -> pd.DataFrame:
    """All DMS fields as columns: numbers, flags of 0 and 1, NaN where a field is not stated.

    Ages are in years, a band's is its middle; sex is 1 for Male and 0 for Female; "symptom count"
    counts the stated symptoms. The names are those of `hard_dms`.

    Raises:
        DataError: an age that is no number of years and no band.
    """
    columns = [
        *("age", "sex", "gender: Other", "symptom count"),
        *(f"location: {word}" for word in (*LOCATION_WORDS, OTHER)),
        *(f"history: {name}" for name in (*MEDICAL_HISTORY, OTHER)),
        *(f"symptom: {name}" for name in (*SYMPTOMS, OTHER)),
    ]
    values = [_dms_values(dms) for dms in people]
    return pd.DataFrame(np.array(values, float).reshape(len(values), len(columns)), columns=columns)


def flat_rows(rows: Sequence[Any], **more: Sequence[str | float | None]) -> pd.DataFrame:
    """Flat typed rows, such as `RecordingProperties`, as columns.

    Args:
        rows: instances of one frozen dataclass whose fields are numbers, words or None.
        more: further columns, such as the device: one value for each row.
    """
    names = [field.name for field in dataclasses.fields(rows[0])] if rows else []
    frame = pd.DataFrame({name: _column([getattr(r, name) for r in rows]) for name in names})
    for name, values in more.items():
        frame[name] = _column(values)
    return frame


def _logistic(rows: pd.DataFrame, seed: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, words = _kinds(rows)
    prepare = ColumnTransformer(
        [
            (
                "numbers",
                # The indicator is scaled as well: it counts as much as a value.
                make_pipeline(
                    SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()
                ),
                numbers,
            ),
            ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ]
    )
    return _pipeline(prepare, LogisticRegression(max_iter=2000))


def _trees(rows: pd.DataFrame, seed: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.preprocessing import OrdinalEncoder

    numbers, words = _kinds(rows)
    encode = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
    )
    prepare = ColumnTransformer([("words", encode, words), ("numbers", "passthrough", numbers)])
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        l2_regularization=1.0,
        categorical_features=list(range(len(words))) or None,
        early_stopping=False,
        random_state=seed,
    )
    return _pipeline(prepare, model)


_MAKERS: Mapping[str, Any] = MappingProxyType({"logistic": _logistic, "trees": _trees})


def _pipeline(prepare: Any, model: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", prepare), ("model", model)])


def _kinds(rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    numbers = [str(name) for name in rows if pd.api.types.is_numeric_dtype(rows[name])]
    return numbers, [str(name) for name in rows if name not in numbers]


def _strength(
    pipeline: Any,
    rows: pd.DataFrame,
    labels: np.ndarray,
    weights: np.ndarray,
    people: np.ndarray,
    seed: int,
) -> float:
    """The inverse penalty with the best cross-validated AUROC; 1 where people are too few."""
    from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

    fewest = min(len(set(people[labels == label])) for label in (0, 1))
    folds = min(FOLDS, fewest)
    division = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    splits = [
        (train, test)
        for train, test in division.split(rows, labels, people)
        if len(set(labels[train])) == len(set(labels[test])) == 2
    ]
    if len(splits) < MIN_FOLDS:
        return 1.0
    search = GridSearchCV(
        pipeline, {"model__C": list(STRENGTHS)}, scoring="roc_auc", cv=splits, refit=False
    )
    search.fit(rows, labels, model__sample_weight=weights)
    return float(search.best_params_["model__C"])


def _checked_labels(examples: Sequence[Example], rows: pd.DataFrame) -> np.ndarray:
    where = f"tabular control, task {examples[0].task_id if examples else '(none)'}"
    if len(rows) != len(examples):
        raise DataError(
            f"{len(rows)} rows for {len(examples)} examples",
            where=where,
            expected="a row for each example",
            next_step="make the rows from the same examples",
        )
    people = {
        label: {e.clip.record.subject_id for e in examples if e.label == label}
        for label in {e.label for e in examples} | {0, 1}
    }
    if set(people) != {0, 1} or min(map(len, people.values())) < MIN_PEOPLE:
        counts = ", ".join(f"{len(people[one])} of {one}" for one in sorted(people, key=str))
        raise DataError(
            f"The training people by answer are {counts}",
            where=where,
            expected=f"at least {MIN_PEOPLE} people of each answer, 0 and 1",
            next_step="leave this control out for this task, or give the task more data",
        )
    return np.array([example.label for example in examples])


def _dms_values(dms: Dms) -> list[float]:
    span = age_span(dms.age)
    location = location_flags(dms.recording_location)
    history = name_flags(dms.medical_history, MEDICAL_HISTORY)
    symptoms = name_flags(dms.symptoms, SYMPTOMS)
    return [
        np.nan if span is None else (span[0] + span[1]) / 2,
        SEX.get(dms.gender or "", np.nan),
        np.nan if dms.gender is None else float(dms.gender == "Other"),
        np.nan if dms.symptoms is None else float(len(dms.symptoms)),
        *(location or [np.nan] * (len(LOCATION_WORDS) + 1)),
        *(history or [np.nan] * (len(MEDICAL_HISTORY) + 1)),
        *(symptoms or [np.nan] * (len(SYMPTOMS) + 1)),
    ]


def _column(values: Sequence[Any]) -> pd.Series:
    """Numbers as float64 with NaN, anything else as words with None."""
    if all(value is None or isinstance(value, int | float) for value in values):
        return pd.Series([np.nan if v is None else float(v) for v in values], dtype=float)
    return pd.Series([None if v is None else str(v) for v in values], dtype=object)

"""Baselines learn what they can perceive, and answer only what they were taught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.batching import Heard, hear
from respllm.config import BaselineSettings, ModelConfig, RunConfig, TrainingConfig, read_yaml
from respllm.errors import ConfigError, DataError
from respllm.models.baselines import BASELINES
from respllm.models.text_embedding import TextEmbedder, text_embedder
from respllm.training.baseline import FittedBaseline, fit_baseline
from respllm.training.validation import task_aurocs
from respllm.types import Dms
from tests.audio.sounds import noise, write
from tests.models.baselines.making import (
    CONDITIONS,
    WIDTH,
    Frozen,
    TinyHtsat,
    cohort,
    example,
    heard,
    joined,
)

QUICK = BaselineSettings(
    training=TrainingConfig(epochs=8, batch_size=32, learning_rate=0.03, patience=None)
)
AUDIO_ONLY = {"by_audio": 1.0, "by_text": 0.0}
TEXT_ONLY = {"by_audio": 0.0, "by_text": 1.0}
BOTH = {"by_audio": 1.0, "by_text": 1.0}
JOINT = [name for name, spec in BASELINES.items() if spec.scope == "joint"]


@pytest.fixture(scope="module")
def embedder() -> TextEmbedder:
    return text_embedder("llm", ModelConfig(llm="nano"), 0)


def fit(
    name: str,
    train: Heard,
    validation: Heard,
    embedder: TextEmbedder | None,
    settings: BaselineSettings = QUICK,
    seed: int = 0,
    **changes: object,
) -> FittedBaseline:
    options: dict = {
        "encoder": Frozen(),
        "embedder": embedder,
        "conditions": CONDITIONS,
        "protocol": "clean",
    }
    return fit_baseline(name, train, validation, settings, seed, **options | changes)


def auroc(fitted: FittedBaseline, people: Heard) -> float:
    (value,) = task_aurocs(people.examples, fitted.logits(people)).values()
    return value


@pytest.mark.parametrize("name", BASELINES)
def test_each_learns_where_it_perceives_and_no_one_else(name: str, embedder: TextEmbedder) -> None:
    spec = BASELINES[name]
    for perceives, world in ((spec.audio, AUDIO_ONLY), (spec.dms, TEXT_ONLY)):
        train, validation, test = (cohort(160, **world, seed=seed) for seed in range(3))
        reached = auroc(fit(name, train, validation, embedder), test)
        if perceives:
            assert reached > 0.9
        else:
            assert 0.3 < reached < 0.7


def test_fusion_adds_up_what_neither_modality_knows(embedder: TextEmbedder) -> None:
    train, validation, test = (cohort(240, **BOTH, seed=seed) for seed in range(3))
    names = ("audio", "dms-hard", "dms-soft", "fusion-hard", "fusion-add", "fusion-crossattn")
    reached = {name: auroc(fit(name, train, validation, embedder), test) for name in names}
    alone = max(value for name, value in reached.items() if BASELINES[name].fusion is None)
    fused = min(value for name, value in reached.items() if BASELINES[name].fusion is not None)
    assert alone < 0.8  # one sign alone leaves every second person undecided: 0.75
    assert fused > 0.85


def opposite(task: str, seed: int) -> Heard:
    """The same recordings and people as `cohort`, asked about another condition: the opposite."""
    people = cohort(120, **AUDIO_ONLY, seed=seed)
    labels = [1 - int(one.label or 0) for one in people.examples]
    dms = [one.clip.record.dms for one in people.examples]
    turned = [
        example(task, i, label, told, person=f"{seed}-")
        for i, (label, told) in enumerate(zip(labels, dms, strict=True))
    ]
    return heard(turned, people.tokens(range(len(turned))))


@pytest.mark.parametrize("name", JOINT)
def test_an_output_for_each_condition_tells_the_questions_apart(
    name: str, embedder: TextEmbedder
) -> None:
    train, validation = (
        joined(cohort(120, **AUDIO_ONLY, seed=seed), opposite("S5", seed)) for seed in (0, 1)
    )
    fitted = fit(name, train, validation, embedder)
    assert fitted.outputs == ("COVID-19", "smoking")
    scores = task_aurocs(validation.examples, fitted.logits(validation))
    assert min(scores.values()) > 0.8
    blind = fit(
        name,
        train,
        validation,
        embedder,
        blind=True,
    )
    logits = blind.logits(validation)
    assert blind.outputs == ()
    assert np.allclose(logits[:120], logits[120:], atol=1e-5)
    assert sum(task_aurocs(validation.examples, logits).values()) == pytest.approx(1, abs=1e-6)


def test_zero_shot_reads_the_output_of_a_trained_condition_and_no_other(
    embedder: TextEmbedder,
) -> None:
    train, validation = (cohort(100, **AUDIO_ONLY, seed=seed) for seed in range(2))
    target = joined(
        cohort(50, **AUDIO_ONLY, task="T1", seed=5), cohort(10, **AUDIO_ONLY, task="T6", seed=6)
    )
    for name in ("audio", "fusion-add"):
        fitted = fit(name, train, validation, embedder)
        logits = fitted.logits(target)
        assert np.isfinite(logits[:50]).all()
        assert np.isnan(logits[50:]).all()
        assert task_aurocs(target.examples[:50], logits[:50])["T1"] > 0.9
        assert fitted.answers("COVID-19")
        assert not fitted.answers("asthma")
        # Asked for by name, an output answers whatever the examples' task is.
        assert np.allclose(fitted.logits(target, "COVID-19")[:50], logits[:50])
        assert np.isfinite(fitted.logits(target, "COVID-19")).all()
        assert np.isnan(fitted.logits(target, "asthma")).all()
    blind = fit(
        "fusion-add",
        train,
        validation,
        embedder,
        blind=True,
    )
    assert np.isfinite(blind.logits(target)).all()
    assert blind.answers("asthma")


@pytest.mark.parametrize("name", ["fusion-soft", "fusion-crossattn"])
def test_the_seed_decides_everything(name: str, embedder: TextEmbedder) -> None:
    train, validation = (cohort(65, **BOTH, seed=seed) for seed in range(2))
    logits = []
    for seed in (3, 3, 4):
        torch.manual_seed(len(logits))
        logits.append(fit(name, train, validation, embedder, seed=seed).logits(validation))
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_logits_follow_the_order_and_not_the_company_of_examples(embedder: TextEmbedder) -> None:
    train, validation = (cohort(80, **BOTH, seed=seed) for seed in range(2))
    fitted = fit("fusion-soft", train, validation, embedder)
    whole = fitted.logits(validation)
    chosen = {validation.examples[i].clip.record.record_id for i in (7, 3, 50)}
    few = validation.where(lambda one: one.clip.record.record_id in chosen)
    assert np.allclose(fitted.logits(few), whole[[3, 7, 50]], atol=1e-5)
    assert fitted.logits(validation.where(lambda one: False)).shape == (0,)


def test_the_best_step_is_kept(embedder: TextEmbedder) -> None:
    train, validation = (cohort(60, by_audio=0.3, by_text=0.0, seed=seed) for seed in range(2))
    settings = BaselineSettings(
        training=TrainingConfig(epochs=40, batch_size=16, learning_rate=0.1, patience=None)
    )
    fitted = fit("audio", train, validation, None, settings)
    assert fitted.best_step < fitted.steps
    assert auroc(fitted, validation) == pytest.approx(fitted.validation_auroc)


def test_without_both_answers_in_validation_the_last_step_is_kept() -> None:
    train, validation = (cohort(60, **AUDIO_ONLY, seed=seed) for seed in range(2))
    fitted = fit("audio", train, validation.where(lambda one: one.label == 1), None)
    assert fitted.validation_auroc is None
    assert fitted.best_step == fitted.steps


def test_a_person_who_states_nothing_counts_for_neither_answer(embedder: TextEmbedder) -> None:
    train, validation = (cohort(160, **TEXT_ONLY, seed=seed) for seed in range(2))
    fitted = fit("dms-soft", train, validation, embedder)
    silent = heard([example("S3", 0, None, Dms())], np.zeros((1, 64, WIDTH)))
    logits = fitted.logits(validation)
    assert abs(fitted.logits(silent)[0]) < 0.3 * np.abs(logits).max()


def test_the_protocol_decides_what_is_coded() -> None:
    """As in the text: `paper` hides KAUH's age from the hard coding too."""
    people = [Dms("Female", 30 + 40 * (i % 2), (), ()) for i in range(40)]
    examples = [example("S3", i, i % 2, people[i]) for i in range(40)]
    examples = [
        replace(one, clip=replace(one.clip, record=replace(one.clip.record, dataset="kauh")))
        for one in examples
    ]
    everybody = heard(examples, np.zeros((40, 64, WIDTH)))
    assert auroc(fit("dms-hard", everybody, everybody, None), everybody) == 1
    hidden = fit("dms-hard", everybody, everybody, None, protocol="paper")
    assert len(set(hidden.logits(everybody).tolist())) == 1


@pytest.mark.parametrize("name", ["audio", "fusion-hard"])
def test_fine_tuning_trains_a_copy_and_not_the_shared_encoder(tmp_path: Path, name: str) -> None:
    encoder = TinyHtsat()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    people = [
        example("S3", i, i % 2, Dms(), write(tmp_path / f"{i}.wav", noise(1, i))) for i in range(6)
    ]
    everybody = hear(people, encoder)
    tokens = everybody.tokens(range(6))
    settings = BaselineSettings(
        fine_tuning=TrainingConfig(epochs=2, batch_size=3, learning_rate=1e-3)
    )
    fitted = fit(name, everybody, everybody, None, settings, encoder=encoder)
    assert all(torch.equal(before[k], v) for k, v in encoder.state_dict().items())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    trained = {k: v for k, v in fitted.model.named_parameters() if "encoder" in k}
    own = dict(encoder.named_parameters())
    changed = [k for k, v in trained.items() if not v.equal(own[k.split("encoder.", 2)[2]])]
    assert len(changed) > 0.8 * len(trained)
    assert np.isfinite(fitted.logits(everybody)).all()
    assert np.array_equal(everybody.tokens(range(6)), tokens)
    frozen = fit(
        name,
        everybody,
        everybody,
        None,
        settings.model_copy(update={"fine_tune_encoder": False}),
        encoder=encoder,
    )
    assert not [k for k, _ in frozen.model.named_parameters() if "encoder" in k]


def test_what_cannot_be_trained_is_refused(embedder: TextEmbedder) -> None:
    people = cohort(20, **BOTH)
    both = joined(people, cohort(20, **BOTH, task="S5"))
    with pytest.raises(ConfigError, match="nobody to read the DMS texts"):
        fit("fusion-soft", people, people, None)
    with pytest.raises(ConfigError, match="cannot learn 2 tasks"):
        fit("audio", both, people, None)
    with pytest.raises(ConfigError, match="condition that task 'S3' asks for is not known"):
        fit("audio", people, people, None, conditions={})
    with pytest.raises(ConfigError, match="Unknown baseline"):
        fit("audoi", people, people, None)
    with pytest.raises(DataError, match=r"training labels are \[1\]"):
        fit("audio", people.where(lambda one: one.label == 1), people, None)
    with pytest.raises(DataError, match=r"training labels are \[\]"):
        fit("fusion-add", people.where(lambda one: False), people, embedder)


def test_the_published_settings_train_as_they_are_declared(embedder: TextEmbedder) -> None:
    """Those of `as_published.yaml`, with a text that needs no download."""
    source = Path(__file__).resolve().parents[2] / "configs" / "as_published.yaml"
    published = read_yaml(source, RunConfig).baselines
    assert published.text == "bert"
    assert published.fine_tuning == published.training
    train, validation = (cohort(160, **BOTH, seed=seed) for seed in (0, 1))
    fitted = fit("fusion-add", train, validation, embedder, published, blind=True)
    assert fitted.outputs == ()
    assert fitted.steps == 10 * -(-160 // 64)

"""Answers: for one recording, for many, and for the test parts of tasks."""

from respllm.inference.answer import Answer
from respllm.inference.answering import Answerer
from respllm.inference.evaluate import Evaluation, evaluate
from respllm.inference.predictor import Predictor, Refusal, Request
from respllm.inference.question import Question

__all__ = [
    "Answer",
    "Answerer",
    "Evaluation",
    "Predictor",
    "Question",
    "Refusal",
    "Request",
    "evaluate",
]

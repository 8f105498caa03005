"""Endpoints that take recordings."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from respllm.server import schemas, telling
from respllm.server.about import reply
from respllm.server.asking import Asked, read_asked, read_asked_table, read_listen
from respllm.server.cohorts import open_cohort
from respllm.server.listening import describe_recording
from respllm.server.service import Asking
from respllm.server.state import Shared, State
from respllm.server.streaming import NdjsonResponse
from respllm.server.waiting import until_gone

router = APIRouter(prefix="/v1", tags=["recordings"])


@router.post("/listen", response_model=schemas.Listened)
async def listen(request: Request, state: Shared) -> Response:
    """What a recording is like; nothing is predicted."""
    state.gatherer.check_open()
    audio = await read_listen(request)

    def described() -> schemas.Listened:
        waveform = state.service.decode(audio)
        return describe_recording(waveform, state.service.count_clips(waveform))

    return reply(await until_gone(request.receive, state.gatherer.listen(described)))


@router.post("/predict", response_model=schemas.Predicted)
async def predict(request: Request, state: Shared) -> Response:
    """Answer one question about one recording. Research only, never a diagnosis."""
    state.gatherer.check_open()
    asked = await read_asked(request)
    work = state.gatherer.answer(_asking(asked, state))
    answer = await until_gone(request.receive, work)
    return reply(telling.predicted(answer, asked.name))


@router.post("/attribute", response_model=schemas.Attributed)
async def attribute(request: Request, state: Shared) -> Response:
    """What in a recording and in the words moved the answer (Integrated Gradients)."""
    state.gatherer.check_open()
    asking = _asking(await read_asked(request), state)

    async def attributed() -> schemas.Attributed:
        listening = await state.gatherer.listen(lambda: state.service.hear(asking))
        found = await state.gatherer.alone(lambda: state.service.attribute(listening))
        return telling.attributed(found)

    return reply(await until_gone(request.receive, attributed()))


@router.post("/predict/table", response_class=NdjsonResponse)
async def predict_table(request: Request, state: Shared) -> Response:
    """Answer one question about all recordings of a table: a line for each, as they come."""
    state.gatherer.check_open()
    asked = await read_asked_table(request)
    question = state.service.question(asked.task, asked.condition, asked.sound)
    work = state.gatherer.listen(lambda: open_cohort(asked, state.service.settings))
    cohort = await until_gone(request.receive, work)
    return NdjsonResponse(cohort.answers(state, question))


def _asking(asked: Asked, state: State) -> Asking:
    question = state.service.question(asked.task, asked.condition, asked.sound)
    return Asking(lambda: asked.audio, asked.name, question, asked.dms)

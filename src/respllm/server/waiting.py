"""Work for somebody who may go away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from respllm.server.limiting import GoneError

Result = TypeVar("Result")


async def until_gone(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Do some work unless the one who asked goes away; the request's body must have been read.

    Raises:
        GoneError: they went away; the work was cancelled.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(gone_away(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise GoneError
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def gone_away(receive: Receive) -> None:
    """Return when the one who asked goes away; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass

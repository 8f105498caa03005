"""Lines of JSON, sent as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from respllm.server.waiting import gone_away

MEDIA_TYPE = "application/x-ndjson"


class NdjsonResponse(Response):
    """One JSON object a line.

    The next is only computed when the one before was taken; the lines end when nobody listens.

    Args:
        lines: what to send; closed in any case.
    """

    media_type = MEDIA_TYPE

    def __init__(self, lines: AsyncGenerator[BaseModel, None], status_code: int = 200) -> None:
        super().__init__(status_code=status_code, headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]  # it is not known
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines."""
        gone = asyncio.create_task(gone_away(receive))
        line: asyncio.Future[BaseModel | None] | None = None
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while True:
                line = asyncio.ensure_future(anext(self._lines, None))
                await asyncio.wait({line, gone}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return
                found = line.result()
                if found is None:
                    break
                body = found.model_dump_json().encode() + b"\n"
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            if line is not None:
                line.cancel()
                await asyncio.gather(line, return_exceptions=True)
            await self._lines.aclose()

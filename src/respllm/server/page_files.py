"""The page's files, read once from the package: no name of a request becomes a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from respllm.server.problems import NOT_FOUND, ProblemError

INDEX = "index.html"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
    "webmanifest": "application/manifest+json",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page."""

    content: bytes
    media_type: str
    tag: str


@cache
def page_files() -> dict[str, PageFile]:
    """All files of the page, by their path below `page/`."""
    root = files("respllm.server").joinpath("page")
    return dict(_read(root, "")) if root.is_dir() else {}


def _read(folder: Traversable, place: str) -> list[tuple[str, PageFile]]:
    found = []
    for entry in folder.iterdir():
        name = place + entry.name
        media_type = MEDIA_TYPES.get(entry.name.rpartition(".")[2])
        if entry.is_dir():
            found += _read(entry, name + "/")
        elif media_type is not None:
            content = entry.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            found.append((name, PageFile(content, media_type, tag)))
    return found


@router.api_route("/", methods=["GET", "HEAD"])
async def index(request: Request) -> Response:
    """The page."""
    return _served(INDEX, request)


@router.api_route("/page/{name:path}", methods=["GET", "HEAD"])
async def part(name: str, request: Request) -> Response:
    """A part of the page."""
    return _served(name, request)


def _served(name: str, request: Request) -> Response:
    file = page_files().get(name)
    if file is None:
        raise ProblemError(NOT_FOUND, "The page has no such part")
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers={**headers, "Content-Type": file.media_type})

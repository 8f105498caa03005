"""What is sent is in memory while it is answered, and nowhere afterwards."""

from __future__ import annotations

import builtins
import io
import logging
import os
import tempfile
import zipfile
from typing import Any

import pytest

from tests.server.conftest import Served, wav

SAID = "SENTINEL-cough"


def test_nothing_is_written_to_a_disk(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    http = served()
    big = wav(120)
    assert len(big) > 2**20, "Starlette would put it into a temporary file"
    recordings = io.BytesIO()
    with zipfile.ZipFile(recordings, "w") as archive:
        archive.writestr("a.wav", big)
    ask(http, wav(1), b"")  # what is loaded when it is first used
    written: list[object] = []
    opened, os_opened = builtins.open, os.open

    def watched(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if set(mode) & set("wax+"):
            written.append(file)
        return opened(file, mode, *arguments, **named)

    def os_watched(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(path)
        return os_opened(path, flags, *arguments, **named)

    def no_file(*arguments: Any, **named: Any) -> Any:
        written.append("temporary file")
        raise AssertionError

    monkeypatch.setattr(builtins, "open", watched)
    monkeypatch.setattr(io, "open", watched)
    monkeypatch.setattr(os, "open", os_watched)
    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, no_file)
    ask(http, big, recordings.getvalue())
    assert written == []


def test_no_log_holds_what_was_said(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    http = served()
    ask(http, wav(1), b"no zip")
    ask(http, SAID.encode(), SAID.encode())
    http.post("/v1/predict", content=SAID, headers={"Content-Type": "application/json"})
    http.post(
        "/v1/predict",
        content=f"--y\r\n{SAID}\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=y"},
    )
    own = [r for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    assert SAID not in "\n".join(record.getMessage() for record in own)


def ask(http: Any, audio: bytes, recordings: bytes) -> None:
    person = {"task": "S7", "symptoms": SAID, "name": SAID, "recording_location": SAID}
    files = {"audio": (f"{SAID}.wav", audio)}
    for path in ("/v1/predict", "/v1/attribute"):
        http.post(path, files=files, data=person)
    http.post("/v1/listen", files=files)
    table = {
        "table": (f"{SAID}.csv", f"audio,symptoms\na.wav,{SAID}\n"),
        "recordings": (f"{SAID}.zip", recordings),
    }
    http.post("/v1/predict/table", files=table, data={"task": "S7"})

"""A table and a zip file from a stranger, answered row by row."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from respllm.errors import AudioError
from respllm.server.archives import Archive
from respllm.server.problems import ProblemError
from respllm.server.settings import Settings
from tests.server.conftest import Served, problem, wav

SOUNDS = {"a.wav": wav(2, 1), "b.wav": wav(20, 2), "broken.wav": b"not a recording"}
TABLE = "audio,age,gender\na.wav,30,F\nb.wav,80,M\nbroken.wav,40,M\ngone.wav,1,F\n"


def zipped(files: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(content, "w", how) as archive:
        warnings.simplefilter("ignore")
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def asked(
    http: TestClient, table: str | bytes, recordings: bytes, name: str = "t.csv", **fields: str
) -> Any:
    files = {"table": (name, table), "recordings": ("r.zip", recordings)}
    return http.post("/v1/predict/table", files=files, data=fields or {"task": "S7"})


def lines(answer: Any) -> list[dict]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_each_row_is_answered_or_refused_in_its_order(http: TestClient) -> None:
    start, *rows, end = lines(asked(http, TABLE, zipped(SOUNDS)))
    assert start == {"kind": "start", "rows": 4}
    assert [row["row"] for row in rows] == [1, 2, 3, 4]
    assert [row["name"] for row in rows] == ["a.wav", "b.wav", "broken.wav", "gone.wav"]
    assert [row["kind"] for row in rows] == ["answer", "answer", "refusal", "refusal"]
    assert "cannot be decoded" in rows[2]["reason"]
    assert "no such recording" in rows[3]["reason"]
    assert (end["kind"], end["answered"], end["refused"]) == ("end", 2, 2)
    assert "not a medical device" in end["notice"]
    alone = http.post(
        "/v1/predict",
        files={"audio": ("b.wav", SOUNDS["b.wav"])},
        data={"task": "S7", "age": "80", "gender": "M"},
    ).json()
    assert rows[1]["log_odds"] == pytest.approx(alone["log_odds"], abs=1e-5)
    assert rows[1]["prompt"] == alone["prompt"]


def test_a_folder_that_was_zipped_and_tabs(http: TestClient) -> None:
    files = {f"ward/{name}": data for name, data in SOUNDS.items()}
    files["__MACOSX/ward/._a.wav"] = b"x"
    found = lines(asked(http, TABLE.replace(",", "\t"), zipped(files), "t.tsv"))
    assert found[1]["kind"] == found[2]["kind"] == "answer"


def test_clips_of_one_recording(http: TestClient) -> None:
    table = "audio,start,stop\nb.wav,0,5\nb.wav,5,10\n"
    found = lines(asked(http, table, zipped(SOUNDS)))
    assert found[1]["clips"] == found[2]["clips"] == 1
    assert found[1]["log_odds"] != found[2]["log_odds"]


def test_a_long_table_is_answered_in_bounded_steps(http: TestClient) -> None:
    names = [f"{number}.wav" for number in range(150)]
    table = "audio,age\n" + "".join(f"{name},{20 + i % 60}\n" for i, name in enumerate(names))
    sound = wav(0.5)
    found = lines(asked(http, table, zipped(dict.fromkeys(names, sound))))
    assert [row["name"] for row in found[1:-1]] == names
    assert found[1]["log_odds"] == pytest.approx(found[61]["log_odds"], abs=1e-5)
    assert found[-1]["answered"] == 150


@pytest.mark.parametrize(
    ("table", "recordings", "words"),
    [
        ("sound\na.wav\n", zipped(SOUNDS), "audio"),
        ("audio,age\na.wav,old\n", zipped(SOUNDS), "Impossible age"),
        ("audio\na.wav\na.wav\n", zipped(SOUNDS), "listed twice"),
        ("audio\n", zipped(SOUNDS), "no rows"),
        ("", zipped(SOUNDS), "empty"),
        (b"audio\n\xff\xfe\n", zipped(SOUNDS), "UTF-8"),
        ('audio\n"a.wav\n', zipped(SOUNDS), "Not a readable table"),
        ("audio\nx.wav\n", zipped(SOUNDS), "is in the zip file"),
        (TABLE, b"", "no zip file"),
        (TABLE, b"PK\x05\x06" + bytes(18), "is in the zip file"),
        (TABLE, zipped(SOUNDS)[:-30], "no zip file"),
        (TABLE, b"not a zip", "no zip file"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_answered(
    http: TestClient, table: str | bytes, recordings: bytes, words: str
) -> None:
    found = problem(asked(http, table, recordings), 422, "table")
    assert words in f"{found['detail']} {found.get('expected')} {found.get('where')}"


def test_a_question_that_cannot_be_read(http: TestClient) -> None:
    problem(asked(http, TABLE, zipped(SOUNDS), task="S77"), 422, "invalid")
    problem(http.post("/v1/predict/table", json={}), 415, "media-type")
    problem(http.post("/v1/predict/table", files={"table": ("t", TABLE)}), 422, "invalid")


def test_too_many_rows(served: Served) -> None:
    http = served(max_cohort_rows=3)
    assert "too many rows" in problem(asked(http, TABLE, zipped(SOUNDS)), 422, "table")["detail"]


def test_simulated_people_only(served: Served) -> None:
    http = served(allow_simulated_model=False)
    example = http.get("/v1/examples/lung-1").content
    found = lines(asked(http, TABLE, zipped({**SOUNDS, "b.wav": example})))
    assert [row["kind"] for row in found[1:4]] == ["refusal", "answer", "refusal"]
    assert "--allow-simulated-model" in found[1]["reason"]


SETTINGS = Settings(max_cohort_rows=50, max_upload_bytes=1_000_000, max_unpacked_bytes=3_000_000)


def refusal(content: bytes, name: str) -> str:
    with pytest.raises(AudioError) as error:
        Archive(content, SETTINGS).read(name)
    return str(error.value)


def test_names_are_never_paths() -> None:
    files = {"../../etc/passwd": b"1", "/etc/shadow": b"2", "C:\\x\\a.wav": b"3"}
    archive = Archive(zipped(files), SETTINGS)
    assert archive.read("../../etc/passwd") == b"1", "what the sender put there"
    assert "/etc/hostname" not in archive
    assert archive.read("C:/x/a.wav") == b"3"


def test_bombs_in_a_zip() -> None:
    assert "packed too tightly" in refusal(zipped({"a": bytes(900_000)}), "a")
    assert "too large" in refusal(zipped({"a": bytes(1_000_001)}), "a")
    with pytest.raises(ProblemError, match="unfolds to too much"):
        Archive(zipped({str(n): bytes(900_000) for n in range(4)}), SETTINGS)
    with pytest.raises(ProblemError, match="too many entries"):
        Archive(zipped({str(n): b"" for n in range(101)}), SETTINGS)
    with pytest.raises(ProblemError, match="too many entries"):
        Archive(b"PK\x01\x02" * 101, SETTINGS)


def test_a_stated_size_that_is_too_small_gives_no_more() -> None:
    content = bytearray(zipped({"a": bytes(range(256)) * 40}))
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 100)
    assert "damaged" in refusal(bytes(content), "a")


def test_two_of_one_name_encrypted_and_strange_methods() -> None:
    content = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(content, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    with pytest.raises(ProblemError, match="one name"):
        Archive(content.getvalue(), SETTINGS)
    locked = bytearray(zipped({"a": b"1"}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refusal(bytes(locked), "a")
    assert "unusual" in refusal(zipped({"a": b"1"}, zipfile.ZIP_LZMA), "a")
    broken = bytearray(zipped({"a": wav(0.2)}, zipfile.ZIP_STORED))
    broken[60] ^= 255
    assert "damaged" in refusal(bytes(broken), "a")

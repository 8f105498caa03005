"""Change valid files: bits, bytes, blocks, numbers at their limits, words of the format."""

from __future__ import annotations

import random
import re

BINARY = [b"\0", b"\xff", b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"RIFF"]
BINARY += [b"data", b"fmt ", b"OggS", b"fLaC", b"LIST", b"moov", b"\0\0\xc0\x7f", b"\0\0\x80\x7f"]
TEXT = [b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\xed\xa0\x80", b"\0", b"\r", b"\n\n"]
TEXT += [b'"', b"'", b",", b";", b"|", b"-0", b"1e999", b"nan", b"inf", b"-1", b"NaN", b"Infinity"]
TEXT += [
    b"9" * 30,
    b"9" * 5000,
    b"0." + b"9" * 99,
    b"[" * 3000,
    b"a" * 5000,
    b"../" * 50,
    b"a.wav",
    b'"\\ud800"',
    b"{",
]
TEXT += [b"<s>", b"<|end|>", b"[INST]", b"{disease}", b"%s", b"\\N{BULLET}", b"1,2,3,4", b"null"]
YAML = [
    b"&a ",
    b"*a",
    b"<<: ",
    b"? ",
    b"!!timestamp ",
    b"!!int ",
    b"!!bool ",
    b"!!binary ",
    b"2024-99-99",
]
YAML += [
    b"!!python/object:os.system ",
    b": |\n ",
    b"&a [*a]",
    b"{<<: [*a, *a]}",
    b"1: 2\n",
    b"~",
    b"- ",
]
YAML += [b'"\\0"', b'"\\uD800"', b"a.b: 1\n", b"---\n", b"...\n", b"%YAML 9.9\n", b"1:1:1", b"0x"]
YAML += [b"2024-99-99", b"!!timestamp x", b"!!int x", b"!!bool x", b"&a {<<: *a}"]
WORDS = {"audio": BINARY, "table": BINARY + TEXT, "task": TEXT + YAML, "run": TEXT + YAML}
WORDS |= {"checkpoint": BINARY + TEXT, "state": BINARY}


def mutated(content: bytes, other: bytes, words: list[bytes], rng: random.Random) -> bytes:
    """One to four changes of `content`; `other` is a file that pieces are taken from."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = (
            rng.randrange(len(data) + 1)
            if rng.random() < 0.6
            else rng.randrange(65) % (len(data) + 1)
        )
        length = min(1 << rng.randrange(8), len(data) - at)
        choice = rng.randrange(14)
        if choice == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif choice == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif choice == 2:
            del data[at : at + length]
        elif choice == 3:
            data[at:at] = data[at : at + length] * rng.choice((1, 2, 50))
        elif choice == 4 and rng.random() < 0.3:
            del data[at:]
        elif choice in (5, 6):
            word = rng.choice(words)
            data[at : at + rng.choice((0, len(word)))] = word
        elif choice == 7:
            size = rng.choice((2, 4, 8))
            number = rng.choice((0, 1, 255, 1 << 15, (1 << 31) - 1, 1 << 31, (1 << 63) - 1, -1))
            number = (number + rng.randrange(-2, 3)) % (1 << 8 * size)
            data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
        elif choice == 8 and other:
            begin = rng.randrange(len(other))
            data[at : at + length] = other[begin : begin + rng.randrange(1, 129)]
        elif choice == 9:
            data[at : at + length] = bytes(rng.randrange(256) for _ in range(length))
        elif choice == 10:
            lines = bytes(data).split(b"\n")
            rng.shuffle(lines) if rng.random() < 0.2 else lines.insert(0, rng.choice(lines))
            data = bytearray(b"\n".join(lines))
        elif choice > 10:  # a whole value of a text format
            marks = [match.span() for match in re.finditer(rb'[:,;|\[{\n\t"]+ ?', bytes(data))]
            if len(marks) > 1:
                which = rng.randrange(len(marks) - 1)
                data[marks[which][1] : marks[which + 1][0]] = rng.choice(words)
    return bytes(data[: 1 << 18])

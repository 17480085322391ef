"""Bytes flipped, cut and repeated, and fields of JSON, TOML and tables replaced by others."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

Mutator = Callable[[bytes, random.Random], bytes]

INTEGERS = (0, 1, -1, 2, 127, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, -(2**31))
# Signs that divide or end something, bytes that are no UTF-8, numbers, words of tables, marks of containers.
TOKENS = [b"", b" ", b"\r", b"\r\n", b"\n\n\n", b"\t", b"a" * 70_000, "\u202e\u2066".encode(), "١٢ é \U0001f600".encode()]
TOKENS += (
    rb"""\0 , ; " ' - [] {} [[[[ {{{{ ] } \ \u0000 \ud800 %s {0} $x$ [red] ../../x /dev/zero true null 2020-01-01""".split()
)
TOKENS += b"nan NaN inf -inf 1e999 -1e308 99999999999999999999999 0x10 1_000 1,5 1.234.567,8 path split label speaker start end".split()
TOKENS += b"time text RIFF data fLaC OggS IHDR IDAT PAR1 PK\x01\x02 PK\x05\x06 \x93NUMPY ID3\x04\0\0\x7f\x7f\x7f\x7f \0 \x1b[31m".split(
    b" "
)
TOKENS += b"\xff\xfe \xef\xbb\xbf \xff \xc3 \xed\xa0\x80".split(b" ")


def flip(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def number(content: bytes, rng: random.Random) -> bytes:
    """An integer of interest over some bytes, mostly of the header or of the tail, where the sizes are."""
    changed, size = bytearray(content), rng.choice((1, 2, 4, 8))
    last = max(0, len(changed) - size)
    at = rng.choice((rng.randint(0, last), min(last, rng.randrange(64)), max(0, last - rng.randrange(64))))
    packed = (rng.choice(INTEGERS) % 256**size).to_bytes(size, rng.choice(("little", "big")))
    changed[at : at + size] = packed
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[
        : rng.choice(
            (rng.randint(0, len(content)), min(len(content), rng.randrange(99)), max(0, len(content) - rng.randrange(99)))
        )
    ]


def repeat(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(max(1, len(content)))
    block = content[start : start + rng.choice((1, 4, 16, 256, 4096))]
    return content[:start] + block * rng.choice((2, 3, 17, 1000 if len(block) < 300 else 5)) + content[start + len(block) :]


def remove(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(max(1, len(content)))
    return content[:start] + content[start + rng.choice((1, 2, 4, 16, 256, 4096)) :]


def swap(content: bytes, rng: random.Random) -> bytes:
    a, b, c = sorted(rng.randint(0, len(content)) for _ in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def token(content: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + rng.choice(TOKENS) + content[at + rng.choice((0, 0, 1, 4)) :]


def doubled(content: bytes, rng: random.Random) -> bytes:
    return content + content[rng.choice((0, rng.randint(0, len(content)))) :]


def odd_value(rng: random.Random) -> Any:
    """What no field expects, of every type and size."""
    deep: Any = []
    for _ in range(rng.choice((3, 50, 900))):
        deep = [deep] if rng.random() < 0.5 else {"a": deep}
    values = (
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        3,
        0.5,
        -0.0,
        1e308,
        1e-308,
        float("nan"),
        float("inf"),
        2**31,
        2**63,
        2**64,
        10**12,
        10**30,
        10**400,
    )
    texts = (
        "",
        " ",
        "x",
        "\0",
        "\ud800",
        "\u202e",
        "[red]x[/red]",
        "../x",
        "/dev/zero",
        "nan",
        "1",
        "x" * 100_000,
        "audio",
        "digits",
        "series",
    )
    lists = (
        [],
        {},
        [[]],
        [1, 2],
        [0] * 10_000,
        {"": 0},
        {"name": "x"},
        deep,
        [None],
        ["a"],
        list(range(300)),
        1_000_000,
        100_000,
        50_000,
    )
    return rng.choice(rng.choice((values, texts, lists)))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def edited(value: Any, rng: random.Random) -> Any:
    """The same with one to three of its fields replaced, removed, renamed, exchanged or repeated."""
    whole = {"": copy.deepcopy(value)}
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice(_places(whole[""]))
        path = ("", *path)
        parent: Any = whole
        for key in path[:-1]:
            parent = parent[key]
        key, what = path[-1], rng.random()
        if what < 0.55 or parent is whole:
            found = parent[key]
            scaled = type(found) in (int, float) and rng.random() < 0.5
            parent[key] = (
                rng.choice((-found, found + 1, found * 1000, found * 10**9, str(found), [found])) if scaled else odd_value(rng)
            )
        elif what < 0.75:
            del parent[key]
        elif what < 0.85 and isinstance(parent, dict):
            parent[rng.choice((str(key) + "x", str(key).upper(), "", "__class__", "name"))] = parent.pop(key)
        else:
            other = rng.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
            parent[key], parent[other] = parent[other], parent[key]
    return whole[""]


def json_fields(content: bytes, rng: random.Random) -> bytes:
    try:
        made = json.dumps(edited(json.loads(content), rng))
    except (ValueError, RecursionError):
        return flip(content, rng)
    if rng.random() < 0.05:
        made = made.replace(
            rng.choice(("1", "0", '"', "[")), rng.choice(("1e400", "[" * 100_000, '{"a":' * 20_000, "9" * 5000)), 1
        )
    return made.encode("utf8", "surrogatepass")


def json_line(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    what = rng.random()
    if what < 0.7:
        lines[at] = json_fields(lines[at], rng)
    elif what < 0.8:
        lines[at] = cut(lines[at], rng)
    elif what < 0.9:
        lines.insert(at, rng.choice((b"", b"{}", b"[]", b"null", lines[rng.randrange(len(lines))])))
    else:
        del lines[at]
    return b"\n".join(lines)


def toml_value(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    places = [n for n, line in enumerate(lines) if b"=" in line] or [0]
    at, what = rng.choice(places), rng.random()
    if what < 0.75:
        value = odd_value(rng)
        text = (
            re.sub(r'"(\w*)": ', r"\1 = ", json.dumps(value))
            .replace("null", '""')
            .replace("Infinity", "inf")
            .replace("NaN", "nan")
        )
        lines[at] = lines[at].split(b"=")[0] + b"= " + text.encode("utf8", "surrogatepass")
    elif what < 0.85:
        lines.insert(at, rng.choice(lines))
    else:
        del lines[at]
    return b"\n".join(lines)


def cell(content: bytes, rng: random.Random) -> bytes:
    """A field, a row or a column of a table changed."""
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    fields = re.split(rb"([,;\t])", lines[at])
    what = rng.random()
    if what < 0.5:
        fields[rng.randrange(len(fields))] = rng.choice(TOKENS)
        lines[at] = b"".join(fields)
    elif what < 0.6:
        lines[at] = lines[at] + rng.choice((b",", b",,,", b",x" * 3000, b"\t"))
    elif what < 0.7:
        lines = [line + b"," + rng.choice((b"1", b"x", b"")) for line in lines]
    elif what < 0.8:
        lines = lines[:at] + [lines[at]] * rng.choice((2, 500)) + lines[at:]
    elif what < 0.9:
        del lines[at]
    else:
        lines = [re.sub(rb"[,;\t]", rng.choice((b";", b"\t", b",", b"|")), line) for line in lines]
    return b"\n".join(lines)

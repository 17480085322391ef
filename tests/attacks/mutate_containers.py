"""Containers that are whole by their own rules and hold what they should not: safetensors, npy and npz."""

from __future__ import annotations

import io
import json
import pickle
import random
import re
import struct
import zipfile

from tests.attacks.mutate_fields import cut, flip, json_fields


def safetensors_header(content: bytes, rng: random.Random) -> bytes:
    try:
        (size,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + size])
    except (ValueError, struct.error):
        return flip(content, rng)
    if isinstance(state := header.get("__metadata__", {}).get("state"), str) and rng.random() < 0.4:
        header["__metadata__"]["state"] = json_fields(state.encode(), rng).decode("utf8", "replace")
        made = json.dumps(header).encode()
    else:
        made = json_fields(json.dumps(header).encode(), rng)
    made += b" " * (-len(made) % 8)
    body = content[8 + size :]
    return struct.pack("<Q", len(made)) + made + (flip(body, rng) if rng.random() < 0.2 else body)


def npy_header(content: bytes, rng: random.Random) -> bytes:
    """Another type, shape or order in the header of an array."""
    shape = rng.choice(
        (
            "()",
            "(0,)",
            "(1,)",
            "(-1,)",
            "(10**12,)",
            "(1000000000000,)",
            "(2, 3, 5, 7)",
            "(99999999, 9999)",
            "(3,)",
            "(0, 5)",
            "'x'",
        )
    )
    kind = rng.choice(
        (
            "'<f8'",
            "'>f8'",
            "'<f4'",
            "'|O'",
            "'<U9'",
            "'<U1000000000'",
            "'|V8'",
            "'<c16'",
            "'<M8[ns]'",
            "'<m8[Y]'",
            "'|b1'",
            "[('a', '<f8')]",
            "'<f2'",
            "5",
        )
    )
    text = (
        content[10:138].decode("latin1")
        if content[:6] == b"\x93NUMPY"
        else "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
    )
    if rng.random() < 0.7:
        text = re.sub(r"'shape': \([^)]*\)", f"'shape': {shape}", text)
    if rng.random() < 0.6:
        text = re.sub(r"'descr': '[^']*'", f"'descr': {kind}", text)
    header = (text.split("}")[0] + "}").ljust(127)[:200].encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content[138:]


def zip_members(content: bytes, rng: random.Random) -> bytes:
    """An archive whose members were changed before they were packed, so that the archive itself is whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError, ValueError):
        return flip(content, rng)
    name = rng.choice(sorted(members) or ["x.npy"])
    inner = members.get(name, b"")
    made = rng.choice(
        (
            npy_header,
            npy_header,
            flip,
            cut,
            lambda c, r: b"",
            lambda c, r: pickle.dumps([1]),
            lambda c, r: c[:138] + bytes(3_000_000),
        )
    )
    members[rng.choice((name, name, name, "extra.npy", "text.txt", "dir/", "../up.npy"))] = made(inner, rng)
    if rng.random() < 0.1:
        del members[name]
    packed = io.BytesIO()
    with zipfile.ZipFile(
        packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    ) as archive:
        for each, inner in members.items():
            archive.writestr(each, inner)
    made = packed.getvalue()
    return flip(made, rng) if rng.random() < 0.2 else made

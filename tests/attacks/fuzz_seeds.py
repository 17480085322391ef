"""Small valid files of every kind that people bring, and the kinds themselves."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile as sf
from PIL import Image

from tests.attacks import fuzz_readers as readers
from tests.attacks.fuzz_readers import Reader, opened
from tests.data.books import write_book
from tests.data.noise import noise, write
from torchcpc.data.text.tokenizer_files import save_tokenizer
from torchcpc.data.text.tokens import learn
from torchcpc.domains import DOMAINS

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Kind:
    """target: the file that is changed; worlds: files that stand together, one of them the target, in several versions; form: of
    `mutate.FORMS`; weight: cases of this kind for one of the dearest."""

    name: str
    target: str
    read: Reader = field(repr=False)
    worlds: tuple[Files, ...] = field(repr=False)
    form: str = "binary"
    weight: int = 8


def files_in(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def made(root: Path, make: Callable[[Path], object]) -> Files:
    """The files that `make` writes into a new folder."""
    folder = root / f"seed{len(list(root.iterdir()))}"
    folder.mkdir()
    make(folder)
    return files_in(folder)


def sounds(root: Path) -> list[Kind]:
    forms = {
        "wav": [{}, {"subtype": "FLOAT"}, {"subtype": "ULAW"}, {"format": "WAVEX"}, {"format": "RF64"}],
        "flac": [{}, {"subtype": "PCM_24"}],
        "ogg": [{}, {"subtype": "OPUS"}],
        "mp3": [{}],
    }
    kinds = []
    for suffix, options in forms.items():
        worlds = [
            made(root, lambda f, s=suffix, o=o, n=n: sf.write(f / f"a.{s}", noise(3203, channels=n), 16_000, **o))
            for o in options
            for n in (1, 2)
        ]
        kinds.append(Kind(suffix, f"a.{suffix}", opened("audio"), tuple(worlds), weight=32))
    return kinds


def pictures(root: Path) -> list[Kind]:
    pixels = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)
    modes = {
        "png": ("RGB", "L", "P", "RGBA", "I;16", "1"),
        "jpg": ("RGB", "L", "CMYK"),
        "gif": ("P", "L"),
        "bmp": ("RGB", "1", "P"),
    }
    modes |= {"tiff": ("RGB", "L", "I;16", "F", "CMYK"), "webp": ("RGB", "RGBA")}

    def image(mode: str) -> Image.Image:
        if mode == "I;16":
            return Image.fromarray(pixels[..., 0].astype(np.uint16) * 200)
        return Image.fromarray(pixels).convert(mode)

    return [
        Kind(
            suffix,
            f"c/a.{suffix}",
            opened("images", size=8),
            tuple(made(root, lambda f, s=suffix, m=m: ((f / "c").mkdir(), image(m).save(f / "c" / f"a.{s}"))) for m in each),
            weight=24,
        )
        for suffix, each in modes.items()
    ]


def table_texts() -> dict[str, list[str]]:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(61, 3))
    plain = "time,a,b,c\n" + "".join(f"{n},{a:.3f},{b:.3f},{c:.3f}\n" for n, (a, b, c) in enumerate(rows))
    dated = "date,a,state\n" + "".join(
        f"2020-01-{1 + n % 28:02d} {n % 24:02d}:00,{a:.3f},{n % 2}\n" for n, (a, *_) in enumerate(rows[:20])
    )
    bare = "".join(f"{a:.3f},{b:.3f}\n" for a, b, _ in rows)
    counted = ",x,y\n" + "".join(f"{n},{a:.3f},{b:.3f}\n" for n, (a, b, _) in enumerate(rows))
    decimal = "t;a;b\n" + "".join(f"{n};{a:.3f};{b:.3f}\n".replace(".", ",") for n, (a, b, _) in enumerate(rows))
    missing = "a,b\n" + "".join(f"{a:.3f},{'NA' if n % 3 else b}\n" for n, (a, b, _) in enumerate(rows))
    return {"csv": [plain, dated, bare, counted, decimal, missing], "tsv": [plain.replace(",", "\t"), dated.replace(",", "\t")]}


def parquet(path: Path, columns: Mapping[str, object]) -> None:
    pq.write_table(pa.table(dict(columns)), path)


def series(root: Path) -> list[Kind]:
    rows = np.random.default_rng(0).normal(size=(61, 3))
    kinds = []
    for suffix, texts in table_texts().items():
        worlds = [{f"a.{suffix}": text.encode()} for text in texts]
        kinds.append(
            Kind(f"series {suffix}", f"a.{suffix}", opened("series", row_labels=["state"]), tuple(worlds), "table", 32)
        )
    columns = {"time": np.arange(61.0), "a": rows[:, 0], "b": rows[:, 1].astype(np.float32), "n": np.arange(61)}
    stamped = {"date": np.arange(61).astype("datetime64[s]"), "a": [None, *rows[1:, 0]], "flag": rows[:, 0] > 0}
    tables = tuple(made(root, lambda f, c=c: parquet(f / "a.parquet", c)) for c in (columns, stamped))
    kinds.append(Kind("series parquet", "a.parquet", opened("series"), tables, weight=32))
    arrays = (
        {"x": rows},
        {"x": rows[None], "rate": 50.0},
        {"x": rows, "time": np.arange(61.0), "channels": np.array(["a", "b", "c"])},
    )
    packed = tuple(
        made(root, lambda f, a=a, save=save: save(f / "a.npz", **a)) for a in arrays for save in (np.savez, np.savez_compressed)
    )
    kinds.append(Kind("series npz", "a.npz", opened("series"), packed, "npz", 32))
    bare = tuple(
        made(root, lambda f, v=v: np.save(f / "a.npy", v))
        for v in (rows, rows[None], rows.astype(">f4"), np.asfortranarray(rows))
    )
    kinds.append(Kind("series npy", "a.npy", opened("series"), bare, "npy", 32))
    kinds.append(Kind("array npy", "a.npy", readers.array("a.npy"), bare[:1] + bare[2:], "npy", 24))
    numbers = tuple({"a.csv": text.encode()} for text in table_texts()["csv"][3:])
    kinds.append(Kind("array csv", "a.csv", readers.array("a.csv"), numbers, "table", 24))
    return [*kinds, Kind("array parquet", "a.parquet", readers.array("a.parquet"), tables[:1], weight=24)]


def tables(root: Path) -> list[Kind]:
    """Labels, manifests, alignments."""
    sound = made(root, lambda f: [write(f / f"s/{n}.wav", 1999, seed=n) for n in range(3)])
    rows = [("s/0.wav", "ann", "train"), ("s/1.wav", "bob", "test"), ("s/2.wav", "ann", "train")]
    text = "path,speaker,split\n" + "".join(",".join(row) + "\n" for row in rows)
    named = dict(zip(("path", "speaker", "split"), map(list, zip(*rows, strict=True)), strict=True))
    manifest = made(root, lambda f: parquet(f / "m.parquet", named))
    phones = "recording,start_s,end_s,phone\n" + "".join(
        f"{n},{0.1 * m:.1f},{0.1 * (m + 1):.1f},{'ab'[m % 2]}\n" for n in (0, 1) for m in range(5)
    )
    events = "record,sample,phone\n" + "".join(f"{n},{100 * m},{'NV'[m % 2]}\n" for n in (0, 1) for m in range(5))
    steps = "a 0 0 1 1 2\nb 1 1 1 0\n"
    audio = opened("audio")
    return [
        Kind("labels csv", "labels.csv", audio, ({**sound, "labels.csv": text.encode()},), "table", 24),
        Kind("manifest csv", "m.csv", opened("audio", "m.csv"), ({**sound, "m.csv": text.encode()},), "table", 24),
        Kind(
            "manifest tsv",
            "m.tsv",
            opened("audio", "m.tsv"),
            ({**sound, "m.tsv": b".\ns/0.wav\t1999\ns/1.wav\t1999\n"},),
            "table",
            24,
        ),
        Kind("manifest parquet", "m.parquet", opened("audio", "m.parquet"), ({**sound, **manifest},), weight=24),
        Kind(
            "alignment csv",
            "a.csv",
            readers.alignment("a.csv"),
            ({"a.csv": phones.encode()}, {"a.csv": events.encode()}),
            "table",
            24,
        ),
        Kind("alignment txt", "a.txt", readers.alignment("a.txt"), ({"a.txt": steps.encode()},), "table", 24),
    ]


def texts(root: Path) -> list[Kind]:
    book = made(root, lambda f: write_book(f / "a.txt", 17))
    lines = book["a.txt"].decode().split("\n")
    rows = "text,label\n" + "".join(f'"{line}",{n % 2}\n' for n, line in enumerate(lines) if line)
    tabs = "label\ttext\n" + "".join(f"{n % 2}\t{line}\n" for n, line in enumerate(lines) if line)
    columns = {"sentence": [line for line in lines if line], "label": [n % 2 for n, line in enumerate(lines) if line]}
    kept = made(
        root,
        lambda f: [save_tokenizer(learn(lambda: lines, kind=kind, size=99), f / f"{kind}.json") for kind in ("words", "bpe")],
    )
    words = "".join(f"w{n} {n} 0.5 -1e-3\n" for n in range(31)).encode()
    return [
        Kind("text", "a.txt", opened("text", "a.txt"), (book,), "table", 24),
        Kind("sentences csv", "a.csv", opened("text", "a.csv"), ({"a.csv": rows.encode()},), "table", 24),
        Kind("sentences tsv", "a.tsv", opened("text", "a.tsv"), ({"a.tsv": tabs.encode()},), "table", 24),
        Kind(
            "sentences parquet",
            "a.parquet",
            opened("text", "a.parquet"),
            (made(root, lambda f: parquet(f / "a.parquet", columns)),),
            weight=24,
        ),
        Kind("lines", "context.txt", readers.lines, ({"context.txt": book["a.txt"]},), "table", 16),
        Kind(
            "tokenizer",
            "tokenizer.json",
            readers.tokenizer,
            tuple({"tokenizer.json": each} for each in kept.values()),
            "json",
            32,
        ),
        Kind("word vectors", "v.txt", readers.vectors("v.txt"), ({"v.txt": words}, {"v.txt": b"31 3\n" + words}), "table", 24),
        Kind("word vectors gz", "v.txt.gz", readers.vectors("v.txt.gz"), ({"v.txt.gz": gzip.compress(words)},), weight=16),
    ]


def caches(root: Path) -> list[Kind]:
    """What a scan remembers. The time of change of a file is part of it, so the data stand where the cases find them."""
    data = root / "remembered"
    for n in range(2):
        write(data / "sound" / f"{n}.wav", 1999, seed=n)
        write_book(data / "text" / f"{n}.txt", 17, seed=n)
    kinds = []
    for name, place in {"audio": "sound", "text": "text"}.items():

        def scan(folder: Path, name: str = name, place: str = place) -> None:
            readers.read_everything(DOMAINS[name].reader([str(data / place)], folder / "cache" / "scan.json", lambda *_: None))

        world = made(root, scan)
        for target in [each for each in world if each.endswith(".json")][:1] + [
            each for each in world if each.endswith(".npy")
        ][:1]:
            form = "json" if target.endswith(".json") else "npy"
            kinds.append(Kind(f"cache {name} {form}", target, scan, (world,), form, 16))
    return kinds

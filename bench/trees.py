#!/usr/bin/env python3
"""Makes the trees of docs/benchmarks.md: small (10,000 sources), mixed (a training repository with wheels and data), large (eight
files of 64 MiB).

usage: bench/trees.py FOLDER
"""
import argparse, random
from pathlib import Path

MIB = 1 << 20


def sources(rng, size):
    """Text that compresses as programs do."""
    words = [b"self", b"return", b"import", b"value", b"for", b"in", b"def", b"result", b"None", b"if", b"path", b"options", b"=", b"(", b"):", b"\n"]
    names = [b"%s_%d" % (rng.choice(words[:12]), rng.randrange(500)) for _ in range(400)]
    text = bytearray()
    while len(text) < size:
        text += b"    " * rng.randrange(4) + b" ".join(rng.choice(names if rng.random() < 0.4 else words) for _ in range(8)) + b"\n"
    return bytes(text[:size])


def small(tree, rng):
    pieces = [sources(rng, 64 << 10) for _ in range(16)]
    for i in range(10_000):
        folder = tree / f"package_{i // 500}" / f"module_{i // 25 % 20}"
        folder.mkdir(parents=True, exist_ok=True)
        size = min(int(rng.lognormvariate(8.3, 0.9)), 48 << 10)
        begin = rng.randrange(16 << 10)
        (folder / f"file_{i}.py").write_bytes(b"# %d\n" % i + rng.choice(pieces)[begin : begin + size])


def mixed(tree, rng):
    (tree / "src").mkdir(parents=True)
    for i in range(1600):
        folder = tree / "src" / f"package_{i // 40}"
        folder.mkdir(exist_ok=True)
        (folder / f"file_{i}.py").write_bytes(sources(rng, int(rng.lognormvariate(8.3, 0.9))))
    (tree / "wheels").mkdir()
    for i in range(8):
        (tree / "wheels" / f"library_{i}-1.0-py3-none-any.whl").write_bytes(rng.randbytes(8 * MIB))
    (tree / "data").mkdir()
    for i in range(28):
        (tree / "data" / f"table_{i}.csv").write_bytes(b"".join(b"%d,%.6f,%.3f\n" % (n, rng.random(), rng.random() * 100) for n in range(140_000)))
    (tree / "model").mkdir()
    (tree / "model" / "weights.bin").write_bytes(rng.randbytes(16 * MIB))


def large(tree, rng):
    tree.mkdir()
    for i in range(8):
        half = rng.randbytes(32 * MIB)
        (tree / f"part_{i}.bin").write_bytes(half + sources(rng, MIB) * 32)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=Path)
folder = parser.parse_args().folder
folder.mkdir(parents=True, exist_ok=True)
for make in (small, mixed, large):
    make(folder / make.__name__, random.Random(make.__name__))

"""What `.ci/performance` measures: the names of heaps and crates, the interpreters that are there, and the programs
that have them."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN = ["gil", "lock-free"]
THREADED = ["gcmodule-threaded", "dumpster-2.1.0"]
ON_ONE_THREAD = ["rust-cc-0.6.2", "bacon-0.4.0", "gcmodule"]
LOCKED = ["arc-mutex", "arc-parking-lot"]
# How many operations a second those do that have no end but their memory, about.
LEAK_OPS = 10_000_000


def interpreters(bench):
    """Of the CPythons that the program finds: 3.11, the newest, and all without the lock."""
    there = [name for name in bench.heaps if name.startswith("python:")]
    numbers = {name: [int(n) for n in re.findall(r"\d+", name)] for name in there}
    there.sort(key=numbers.get)
    free = [name for name in there if "without the lock" in bench.heaps[name][1]]
    locked = [name for name in there if name not in free]
    chosen = [name for name in locked if numbers[name][:2] == [3, 11]][-1:] + locked[-1:]
    return list(dict.fromkeys(chosen)) + free


def build():
    """gcstorm, the program with the adapters, and its bare loops."""
    environment = {**os.environ, "CARGO_TERM_COLOR": "never"}
    ours = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    theirs = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "adapters" / "target"))
    manifest = ["--manifest-path", ROOT / "adapters" / "Cargo.toml", "--target-dir", theirs]
    cargo = ["cargo", "build", "--release"]
    subprocess.run([*cargo, "--bin", "gcstorm"], cwd=ROOT, check=True, env=environment)
    subprocess.run([*cargo, *manifest, "--bins", "--examples"], cwd=ROOT, check=True, env=environment)
    return [ours / "release" / "gcstorm", theirs / "release" / "gcstorm-adapters"]

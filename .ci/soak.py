"""Computes the figures of .ci/soak from the results."""

import json
import statistics
import sys
from pathlib import Path


def records(journal):
    """The rounds in a journal."""
    lines = Path(journal).read_text(encoding="utf-8").splitlines()[2:]
    return [json.loads(line.split(" ", 1)[1]) for line in lines]


def overhead(out):
    """Wall time for each second that mutators run, and throughput: of a soak, and of the same runs."""
    around, speed = {}, {}
    for turn in (1, 2, 3):
        runs = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((out / f"run-{turn}").glob("*/result.json"))
        ]
        soaks = [record["found"] for record in records(out / f"soak-{turn}" / "journal")]
        for kind, found in (
            ("run", [(r["elapsed_ns"], sum(t["ops"] for t in r["threads"])) for r in runs]),
            ("soak", [(r["elapsed_ns"], r["ops"]) for r in soaks]),
        ):
            assert len(found) == 5, (kind, len(found))
            wall_s = float((out / f"{kind}-{turn}.wall").read_text(encoding="utf-8").split()[-1])
            mutators_s = sum(ns for ns, _ in found) / 1e9
            around.setdefault(kind, []).append(wall_s / mutators_s)
            speed.setdefault(kind, []).append(sum(ops for _, ops in found) / mutators_s)
    for kind in ("run", "soak"):
        print(
            f"{kind:5} wall time {statistics.median(around[kind]):.4f} times the mutators' own,"
            f" {statistics.median(speed[kind]) / 1e6:.2f} M operations a second"
        )
    cost = statistics.median(around["soak"]) / statistics.median(around["run"]) - 1
    slower = 1 - statistics.median(speed["soak"]) / statistics.median(speed["run"])
    print(f"a soak changes wall time by {cost:+.2%}, and slows its mutators by {slower:+.2%}")
    if cost > 0.03:
        sys.exit("FAILED: more than 3 %")


def disk(journal):
    """Prints the size of a journal for each round and each hour."""
    rounds = records(journal)
    size = Path(journal).stat().st_size
    hours = sum(record["took_ms"] for record in rounds) / 3.6e6
    print(
        f"{len(rounds)} rounds in {hours:.2f} h: {size / 1024:.0f} KiB of journal, "
        f"{size / 1024 / len(rounds):.1f} KiB a round, {size / 2**20 / hours:.1f} MiB an hour"
    )


def flat(result):
    """Fails if resident memory grows over the course of a run."""
    result = json.loads(Path(result).read_text(encoding="utf-8"))
    samples = result["evidence"]["timeline"]["samples"]
    ops = sum(thread["ops"] for thread in result["threads"])
    print(f"{ops:.3g} operations in {result['elapsed_ns'] / 1e9:.0f} s")
    for tenth in range(1, 11):
        sample = samples[len(samples) * tenth // 10 - 1]
        print(f"  after {sample['ops']:.2g} operations {sample['rss_bytes'] / 2**20:7.1f} MiB resident")
    first, last = samples[len(samples) // 5]["rss_bytes"], samples[-1]["rss_bytes"]
    if last > 1.02 * first:
        sys.exit("FAILED: resident memory grew by more than 2 % after the first fifth of the run")


if __name__ == "__main__":
    {"overhead": overhead, "disk": disk, "flat": flat}[sys.argv[1]](Path(sys.argv[2]))

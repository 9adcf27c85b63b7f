"""Makes shards of a journal, and checks the sum of their merge.

    merge.py shards JOURNAL N DIRECTORY   DIRECTORY/<i>/journal: the same rounds, as shard i of N
    merge.py time N DIRECTORY GCSTORM     merges them, prints the time, and compares the sum

A journal consists of lines of JSON, each after the digest of its text (FNV-1a, 64 bits). Only the header
names the shard, so only its line is rewritten. Histograms are compared by their counts, which are decoded
from HdrHistogram's V2 format here, independently of gcstorm.
"""

import base64
import json
import pathlib
import subprocess
import sys
import time
import zlib

PLAIN_HEADER = 40
LIMIT_S = 10


def fnv_1a(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return digest


def shards(journal, number, directory):
    magic, header, rest = pathlib.Path(journal).read_bytes().split(b"\n", 2)
    header = json.loads(header.split(b" ", 1)[1])
    for index in range(number):
        header["shard"] = {"index": index, "of": number}
        text = json.dumps(header, separators=(",", ":")).encode()
        line = b"%016x %s" % (fnv_1a(text), text)
        shard = pathlib.Path(directory, str(index))
        shard.mkdir(parents=True)
        shard.joinpath("journal").write_bytes(b"\n".join([magic, line, rest]))
    rounds = rest.count(b"\n")
    print(f"{number} journals of {rounds} rounds, {len(rest) / 1024:.0f} KiB each")


def counts(hdr):
    """The counts of a histogram by index, without zeros."""
    plain = zlib.decompress(base64.b64decode(hdr)[8:])[PLAIN_HEADER:]
    found, index, at = {}, 0, 0
    while at < len(plain):
        value = 0
        for place in range(9):
            byte = plain[at]
            at += 1
            if place == 8:
                value |= byte << 56
                break
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                break
        number = (value >> 1) ^ -(value & 1)
        if number < 0:
            index -= number
            continue
        if number:
            found[index] = number
        index += 1
    return found


def read(directory):
    merged = json.loads(pathlib.Path(directory, "merged.json").read_text())
    return [
        (
            lane["lane"],
            {name: lane[name] for name in ("rounds", "held", "vacuous", "failures", "ops", "elapsed_ns")},
            {name: counts(times["hdr"]) for name, times in lane["service"].items()},
        )
        for lane in merged["lanes"]
    ]


def timed(number, work, gcstorm):
    work = pathlib.Path(work)
    out = work / "sum"
    start = time.monotonic()
    done = subprocess.run(
        [gcstorm, "merge", work / "shards", "-q", "--out", out], stdout=subprocess.PIPE, text=True
    )
    took = time.monotonic() - start
    if done.returncode not in (0, 3):
        sys.exit(f"merge ended with {done.returncode}")
    print(done.stdout, end="")
    one, all_of_them = read(work / "sum-of-one"), read(out)
    if len(one) != len(all_of_them) or not one:
        sys.exit(f"{len(all_of_them)} lanes, not {len(one)}")
    for (lane, sums, times), (lane_all, sums_all, times_all) in zip(one, all_of_them):
        if lane != lane_all:
            sys.exit(f"{lane_all}, not {lane}")
        for name, value in sums.items():
            if sums_all[name] != number * value:
                sys.exit(f"{lane}: {name} is {sums_all[name]}, not {number} times {value}")
        for name, found in times.items():
            if times_all.get(name) != {index: number * count for index, count in found.items()}:
                sys.exit(f"{lane}: the times of {name} are not {number} times those of one")
    histograms = sum(len(times) for _, _, times in one)
    size = (out / "merged.json").stat().st_size
    print(
        f"{number} shards in {took:.1f} s: {len(one)} lanes, {histograms} histograms, all of them {number} "
        f"times those of one; {size / 2**20:.0f} MiB written"
    )
    if number <= 1000 and took > LIMIT_S:
        sys.exit(f"the merge took more than {LIMIT_S} s")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["shards", journal, number, directory]:
            shards(journal, int(number), directory)
        case ["time", number, directory, gcstorm]:
            timed(int(number), directory, gcstorm)
        case _:
            sys.exit(__doc__)

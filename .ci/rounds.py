"""Checks that the journals of the shards of one soak together have every round, once and in order.

    rounds.py SHARDS DIRECTORY…     the number of shards; the directories of the shards, or one above them
"""

import json
import pathlib
import sys


def read(path):
    """The header and the records of a journal; each of their lines begins with a digest."""
    magic, *lines = path.read_text().splitlines()
    assert magic.startswith("gcstorm-soak "), f"{path}: {magic}"
    head, *records = (json.loads(line.split(" ", 1)[1]) for line in lines)
    return head, records


def expected(head, count):
    """The numbers of the first `count` rounds of a shard. Stints are dealt to the shards in turn."""
    index, of = head["shard"]["index"], head["shard"]["of"]
    stint = head["stint"]
    numbers = (number for number in range(10**9) if number // stint % of == index)
    return [next(numbers) for _ in range(count)]


shards = int(sys.argv[1])
paths = sorted(path for given in sys.argv[2:] for path in pathlib.Path(given).rglob("journal"))
assert len(paths) == shards, f"{len(paths)} journals of {shards} shards: {paths}"
seeds, indices, total = set(), set(), 0
for path in paths:
    head, records = read(path)
    numbers = [record["round"] for record in records]
    assert numbers, f"{path}: no rounds"
    assert numbers == expected(head, len(numbers)), f"{path}: {head['shard']}: {numbers}"
    # The verdicts do not matter here, but every round must have run to its end.
    broken = [record for record in records if record.get("outcome", "interrupted") == "interrupted"]
    assert not broken, f"{path}: {broken}"
    assert head["shard"]["of"] == shards, f"{path}: {head['shard']}"
    seeds.add(head["seed"])
    indices.add(head["shard"]["index"])
    total += len(numbers)
    print(f"{path.parent.name}: shard {head['shard']['index']}/{shards}, {len(numbers)} rounds")
assert indices == set(range(shards)), f"shards {indices}"
assert len(seeds) == 1, f"seeds {seeds}"
print(f"{total} rounds, none missing, none twice")

"""The sections of `.ci/performance` that draw curves, over the number of mutators and over the length of a list;
and where a curve bends, and what shows there: a sentence for each, worked out of the figures."""

from bench import Failed, caches, processors, table
from measured import LEAK_OPS, LOCKED, OWN

PRIVATE = """
summary = "each thread appends to a list of its own and cuts it back"
[parameters]
threads = { default = 1, min = 1, max = 64, about = "threads" }
length = { default = 1000, min = 1, max = 20_000_000, about = "what a list is cut back to" }
[limits]
live_objects = "(2 * $length + 20_000) * $threads + 200_000"
[[threads]]
name = "owner"
count = "$threads"
setup = [
  { op = "alloc", dst = "list", shape = "list" },
  { op = "append-new", list = "list", shape = "node", times = "$length" },
]
loop = [
  { op = "append-new", list = "list", shape = "node", times = 1000 },
  { op = "get", list = "list", index = { uniform = [0, "$length - 1"] }, dst = "got", times = 1000 },
  { op = "truncate-front", list = "list", leave = "$length" },
]
"""


def scaling(page):
    """Operations a second over the number of mutators, on one list and on lists of their own."""
    heaps = page.there(*OWN, "leak", *LOCKED)
    heaps += [name for name in page.python if "without the lock" in page.bench.heaps.get(name, " ")[1]][:1]
    counts = (1, 2, 4, 8, 16)

    def figures(result, processor):
        elapsed = result["evidence"]["elapsed_ns"]
        threads = int(result["workload"]["parameters"]["threads"])
        pauses = {f"held {cause}": pause["total_ns"] / (elapsed * threads)
                  for cause, pause in result["pauses"].items()}
        return {**pauses, "mops": result["counters"]["ops_per_second"] / 1e6, "busy": (processor or 0) / elapsed}

    jobs = {}
    for heap in heaps:
        for kind, workload, more in (("shared", "shared-list", {"bounded": "true"}), ("private", page.private, {})):
            for n in counts[kind == "shared":]:
                jobs[heap, kind, n] = page.one(heap, workload, {**more, "threads": n}, figures)
    cells = page.bench.in_turns("scaling", jobs)
    rows, said = [], []
    for heap in heaps:
        for kind in ("shared", "private"):
            mine = {n: cells[heap, kind, n] for n in counts if (heap, kind, n) in cells}
            rows.append([f"{heap}, {kind}", *(mine[n].text("mops", 1) if n in mine else "–" for n in counts)])
            said.append(bend_of_scaling(f"`{heap}`, {kind}", mine))
    return ["## From 1 to 16 mutators",
            "Millions of operations a second, untimed. Shared: `run shared-list -D bounded=true -D threads=N`. "
            "Private: each thread appends to a list of its own, reads and cuts it. There are "
            f"{processors()} processors, so beyond as many threads a curve that stays level is right, and one "
            "that falls is not.", table(["lists", *map(str, counts)], rows), "\n".join(filter(None, said))]


def lengths(page):
    """The time of an operation over the length of the list."""
    heaps = page.there(*OWN, "leak", *LOCKED)
    counts = (100, 1000, 10_000, 100_000, 1_000_000, 10_000_000)

    def figures(result, _):
        return {"ns": 1e9 / result["counters"]["ops_per_second"],
                "bytes": result["counters"]["rss_bytes_peak"]}

    jobs = {(heap, n): page.one(heap, page.private, {"length": n}, figures) for heap in heaps for n in counts}
    cells = page.bench.in_turns("lengths", jobs)
    rows = [[heap, *(cells[heap, n].text("ns", 1) for n in counts)] for heap in heaps]
    said = [bend_of_length(heap, {n: cells[heap, n] for n in counts}, lambda *of: timed(page, *of))
            for heap in heaps]
    sizes = ", ".join(f"{name} {size / 2**20:.2g} MiB" for name, size in caches().items())
    return ["## Lists of 10² to 10⁷ elements",
            "One thread appends 1,000 nodes to its list, gets 1,000 elements at random, and cuts the list back: "
            f"ns an operation, untimed. Caches: {sizes or 'not known'}.",
            table(["heap", *(f"{n:,}" for n in counts)], rows), "\n".join(filter(None, said))]


def timed(page, heap, length):
    """One timed run on a list of this length."""
    page.bench.say(f"lengths, timed: {heap} {length}", is_lasting=False)
    ops = LEAK_OPS // 10 if heap == "leak" else None
    return page.bench.run(heap, page.private, {"length": length}, timing="every", ops=ops)[0]


def share(part, whole):
    return f"{100 * part / whole:.0f} %"


def bend_of_scaling(name, cells):
    """Where it is quickest, and what holds it beyond that."""
    known = {n: cell for n, cell in cells.items() if cell.runs}
    if len(known) < 2:
        return None
    best = max(known, key=lambda n: known[n].median("mops"))
    first, last = min(known), max(known)
    most = known[best].median("mops")
    text = f"- {name}: quickest with {best}, {most / known[first].median('mops'):.2f} times as quick as with {first}"
    if known[last].median("mops") > 0.9 * most:
        return text + f"; level up to {last}."
    held = {name: known[last].median(name) for run in known[last].runs for name in run if name.startswith("held ")}
    cause = max(held, key=lambda name: held[name] or 0, default=None)
    text += f"; with {last} {share(known[last].median('mops'), most)} of that"
    # That of an interpreter is not known: it is a process of its own.
    if (known[last].median("busy") or 0) > 0.1:
        text += f", on {known[last].median('busy'):.2f} processors"
    if cause and held[cause] > 0.01:
        text += f", {share(held[cause], 1)} of the mutators' time held up by `{cause.split()[1]}`"
    return text + "."


def bend_of_length(heap, cells, timed):
    """From which length on it is dearer, how large the list is there, and which operations it is."""
    known = {n: cell for n, cell in cells.items() if cell.runs}
    if len(known) < 3:
        return None
    *_, before, last = known
    least = min(cell.median("ns") for cell in known.values())
    bytes_each = (known[last].median("bytes") - known[before].median("bytes")) / (last - before)
    is_level = [n for n in known if known[n].median("ns") <= 1.25 * least]
    bends = [n for n in known if n > max(is_level)]
    if not bends:
        return f"- `{heap}`: at the greatest length within a quarter of the least."
    first = bends[0]
    outgrown = [name for name, size in caches().items() if first * bytes_each > size]
    text = (f"- `{heap}`: dearer by a quarter from {first:,} on, where the list takes "
            f"{first * bytes_each / 2**20:,.1f} MiB ({bytes_each:.0f} bytes an element in resident memory) and "
            + (f"has outgrown {outgrown[-1]}. " if outgrown else "fits all caches. "))
    return text + dearer(heap, 1000, last, timed)


def dearer(heap, small, large, timed):
    """Which kinds of operation make the large list dearer than the small one: one timed run of each."""
    parts = []
    for n in (small, large):
        try:
            result = timed(heap, n)
        except Failed as why:
            return f"(Timed, it failed: {why}.)"
        # Without what the set-up did.
        kinds = {kind: op for kind, op in result["ops"].items() if op["per_second"] and op["mean_ns"]}
        every = sum(op["per_second"] for op in kinds.values())
        parts.append({kind: op["mean_ns"] * op["per_second"] / every for kind, op in kinds.items()})
    more = {kind: parts[1][kind] - parts[0].get(kind, 0) for kind in parts[1]}
    most = max(more, key=more.get)
    return (f"Timed, {share(more[most], sum(max(0, ns) for ns in more.values()) or 1)} of what an operation takes "
            f"longer at {large:,} than at {small:,} is in `{most}`.")

"""Where a curve of `.ci/performance` bends, and what shows there: a sentence for each curve, worked out of
the figures."""

from bench import Failed, caches


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

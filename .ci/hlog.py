"""Reads latency.hlog with HdrHistogram's Python library and compares it with result.json.

    hlog.py DIRECTORY...
"""

import json
import math
import pathlib
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "p99_99": 0.9999, "max": 1.0}
HIGHEST_NS = 3_600_000_000_000


def series(path):
    """Every histogram of the log by tag; that of all operations has the tag None."""
    reader = HistogramLogReader(str(path), HdrHistogram(1, HIGHEST_NS, 3))
    found = {}
    while (histogram := reader.get_next_interval_histogram()) is not None:
        tag = histogram.get_tag()
        assert tag not in found, f"{path}: the tag {tag} occurs twice"
        found[tag] = histogram
    return found


def at_rank(histogram, rank):
    """The value of this rank, counted from one, in the buckets as their library reads them."""
    for item in histogram.get_recorded_iterator():
        if item.total_count_to_this_value >= rank:
            return histogram.get_highest_equivalent_value(item.value_iterated_to)
    raise AssertionError(f"no value of rank {rank}")


def expected(result):
    """The tag of each series and its summary in result.json."""
    for name, op in result["ops"].items():
        yield name, op["service"]
        yield f"response/{name}", op["response"]
    for cause, pause in result["pauses"].items():
        yield f"pause/{cause}", pause


def compare(directory):
    result = json.loads((directory / "result.json").read_text())
    found = series(directory / "latency.hlog")
    headline = found.pop(None, None)
    assert headline is not None, f"{directory}: no series without a tag"
    compared = 0
    for tag, stored in expected(result):
        if stored is None or stored["count"] == 0:
            assert tag not in found, f"{directory}: {tag} is in the log, but not in the result"
            continue
        histogram = found.pop(tag)
        assert histogram.get_total_count() == stored["count"], f"{directory}: count of {tag}"
        for field, quantile in QUANTILES.items():
            if stored.get(field) is None:
                continue
            # In the result, a quantile is the value whose rank is rounded up. Their own function rounds
            # the rank to the nearest, so it may return the value before that.
            rank = max(1, math.ceil(quantile * stored["count"]))
            theirs = at_rank(histogram, rank)
            assert theirs == stored[field], (
                f"{directory}: {field} of {tag} is {theirs} in the log and {stored[field]} in the result"
            )
            nearest = histogram.get_value_at_percentile(quantile * 100)
            assert nearest in (theirs, at_rank(histogram, max(1, rank - 1))), (
                f"{directory}: their function returns {nearest} for {field} of {tag}"
            )
            compared += 1
    assert not found, f"{directory}: {sorted(found)} are not in the result"
    ops = result["ops"].values()
    felt = [op["response"] for op in ops if op["response"]] or [
        op["service"] for op in ops if op["service"]
    ]
    assert headline.get_total_count() == sum(stored["count"] for stored in felt), directory
    assert headline.get_max_value() == max((stored["max"] for stored in felt), default=0), directory
    return compared


if __name__ == "__main__":
    total = 0
    for name in sys.argv[1:]:
        total += compare(pathlib.Path(name))
    assert total >= 20, f"only {total} percentiles were compared"
    print(f"HdrHistogram's own reader agrees on {total} percentiles")

"""Reads a soak's metrics with Prometheus' own library for Python.

    metrics.py served TOLD INTO       waits for the end of a round, and fetches /metrics into the file INTO;
                                      TOLD is the standard error of the soak, which names the address
    metrics.py read WORKLOAD FILE...  reads these files; the soak ran churn and WORKLOAD
"""

import pathlib
import re
import sys
import time
import urllib.error
import urllib.request


def served(told, into):
    """Waits at most half a minute for the address and for the end of a round."""
    for _ in range(300):
        address = re.search(r"serving (http://\S+)", pathlib.Path(told).read_text())
        if address:
            try:
                with urllib.request.urlopen(address[1] + "metrics") as answer:
                    kind = answer.headers["Content-Type"]
                    assert kind.startswith("text/plain; version=0.0.4"), kind
                    text = answer.read().decode()
            except urllib.error.HTTPError as error:
                assert error.code == 503, error
                text = ""
            if "last_round_end_time_seconds " in text:
                pathlib.Path(into).write_text(text)
                return
        time.sleep(0.1)
    raise AssertionError("no round ended in time")


def read(workload, path):
    from prometheus_client.parser import text_string_to_metric_families

    families = {family.name: family for family in
                text_string_to_metric_families(pathlib.Path(path).read_text())}
    rounds = families["gcstorm_soak_rounds"]
    assert rounds.type == "counter" and rounds.documentation, rounds
    workloads = {sample.labels["workload"] for sample in rounds.samples}
    assert workloads == {"churn", workload}, workloads
    assert sum(sample.value for sample in rounds.samples) > 0, rounds
    assert families["gcstorm_soak_left_seconds"].type == "gauge"
    samples = [sample for family in families.values() for sample in family.samples]
    assert all(sample.timestamp is None for sample in samples)
    return len(samples)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "served":
        served(*rest)
    else:
        total = sum(read(rest[0], path) for path in rest[1:])
        print(f"prometheus_client reads {total} samples")

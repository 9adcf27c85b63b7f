"""Runs of gcstorm side by side, for `.ci/performance`: one run and what it cost, many in turns, and how
figures are written down."""

import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

# A run that takes longer, set-up and judgement included, hangs.
LIMIT_S = 120


class Failed(Exception):
    """Why there is no figure."""


class Cell:
    """What the runs of one kind came to: figures by name, one dictionary a run."""

    def __init__(self):
        self.runs, self.failed, self.is_held = [], None, True

    def column(self, name):
        return [run[name] for run in self.runs if run.get(name) is not None]

    def median(self, name):
        """`None` where there is none."""
        values = self.column(name)
        return statistics.median(values) if values else None

    def text(self, name, digits=0):
        values = self.column(name)
        if not values:
            return self.failed or "–"
        middle = f"{statistics.median(values):,.{digits}f}"
        around = f" ({min(values):,.{digits}f}–{max(values):,.{digits}f})" if len(values) > 1 else ""
        return middle + around + ("" if self.is_held else " †") + (f"; then {self.failed}" if self.failed else "")


class ProcessorTime:
    """The processor time of a process, looked at while it runs, so that the time of its run proper can be
    told from that of its set-up and its judgement."""

    def __init__(self, pid):
        # How Linux numbers the clock of another process: CPUCLOCK_SCHED of all of its threads.
        self.clock, self.looks = (~pid << 3) | 2, []

    def look(self):
        try:
            self.looks.append((time.time_ns(), time.clock_gettime_ns(self.clock)))
        except OSError:
            pass  # It is over.

    def at(self, when):
        before = [look for look in self.looks if look[0] <= when]
        after = [look for look in self.looks if look[0] > when]
        if not before or not after:
            return None
        (t0, c0), (t1, c1) = before[-1], after[0]
        return c0 + (c1 - c0) * (when - t0) / (t1 - t0)

    def between(self, start, end):
        first, last = self.at(start), self.at(end)
        return None if first is None or last is None else last - first


class Bench:
    """Programs with heaps, and what every run has in common."""

    def __init__(self, programs, rounds, duration, scratch):
        self.rounds, self.duration, self.scratch, self.runs = rounds, duration, scratch, 0
        self.heaps, self.not_held, self.builds, self.failures = {}, {}, {}, {}
        self.began = time.monotonic()
        for program in programs:
            listed = subprocess.run([program, "list", "heaps"], check=True, capture_output=True, text=True)
            rows = re.findall(r"^(\S+) +(.*(?:\n .*)*)", listed.stdout, flags=re.MULTILINE)
            for heap, about in rows:
                self.heaps.setdefault(heap, (program, " ".join(about.split())))

    def there(self, *names):
        """Those of these heaps that are there; an interpreter may also be named by its path."""
        return [name for name in names if name in self.heaps or name.startswith("python:/")]

    def run(self, heap, workload, parameters, timing="off", ops=None):
        """One run: its result, and the ns of processor time between the common start and the end."""
        self.runs += 1
        out = self.scratch / str(self.runs)
        program = self.heaps.get(heap, next(iter(self.heaps.values())))[0]
        length = ["--ops", str(ops)] if ops else ["--duration", f"{self.duration * 1000:.0f}ms"]
        command = [program, "run", workload, "--heap", heap, *length, "--timing", timing, "--isolate", "no",
                   "--quiet", "--seed", str(self.runs), "--out", out]
        for name, value in parameters.items():
            command += ["-D", f"{name}={value}"]
        with open(self.scratch / "said", "w+") as said:
            child = subprocess.Popen(command, stdout=said, stderr=said)
            used, deadline = ProcessorTime(child.pid), time.monotonic() + LIMIT_S
            while child.poll() is None:
                used.look()
                if time.monotonic() > deadline:
                    child.kill()
                    child.wait()
                    raise Failed(f"did not end in {LIMIT_S} s")
                time.sleep(0.005)
            said.seek(0)
            lines = said.read().strip().splitlines()
        if child.returncode < 0:
            raise Failed(signal.Signals(-child.returncode).name)
        if not (out / "result.json").exists():
            why = [line for line in lines if line.startswith("error")] or lines or ["nothing was said"]
            raise Failed(f"exit {child.returncode}: {why[0][:60]}")
        result = json.loads((out / "result.json").read_text())
        tool = result["tool"]
        self.builds[f"{tool['name']} {tool['commit']}{' with changes' if tool['dirty'] else ''}"] = True
        if result["evidence"]["ended"]["reason"] != "done":
            raise Failed(f"ended: {result['evidence']['ended']['reason']}")
        start = result["evidence"]["started_unix_ms"] * 10**6
        return result, used.between(start, start + result["evidence"]["elapsed_ns"])

    def one(self, heap, workload, parameters, figures, **others):
        """Something to be run in turns: a run, and what is read off it."""
        def job(cell):
            result, processor = self.run(heap, workload, parameters, **others)
            if result["verdict"] != "held":
                cell.is_held = False
                named = ", ".join(f"{name}={value}" for name, value in parameters.items())
                key = (heap, result["workload"]["name"], named, why_not_held(result))
                self.not_held[key] = self.not_held.get(key, 0) + 1
            return figures(result, processor)
        return job

    def in_turns(self, what, jobs):
        """All jobs in turns, in one order and then in the other, as many rounds as there are to be: a cell
        for each. One that failed is not tried again."""
        cells = {key: Cell() for key in jobs}
        for turn in range(self.rounds):
            for key in list(jobs) if turn % 2 == 0 else reversed(jobs):
                cell = cells[key]
                if cell.failed is None:
                    self.say(f"{what}, round {turn + 1} of {self.rounds}: {key}", is_lasting=False)
                    try:
                        cell.runs.append(jobs[key](cell))
                    except Failed as why:
                        cell.failed = str(why)
                        self.failures[cell.failed] = True
            self.say(f"{what}, round {turn + 1} of {self.rounds}: {len(jobs)} runs")
        return cells

    def say(self, what, is_lasting=True):
        """What is done just now is shown on a terminal only."""
        passed = f"{time.monotonic() - self.began:4.0f} s  "
        if sys.stderr.isatty():
            print(f"\r\x1b[K{passed}{what}", end="\n" if is_lasting else "", file=sys.stderr, flush=True)
        elif is_lasting:
            print(f"{passed}{what}", file=sys.stderr, flush=True)


def why_not_held(result):
    """In few words, without numbers that differ from run to run."""
    violated = [check["name"] for check in result["checks"] if check["verdict"] == "violated"]
    if violated:
        return f"violated: {', '.join(violated)}"
    texts = [one["text"] for one in result["caveats"]]
    lacks = [re.match(r"(\S+) is [\d,]+,? and at least", text) for text in texts]
    lacks = sorted({one[1] for one in lacks if one})
    others = [text for text in texts if not text.startswith(("nothing is required", "the machine was noisy"))]
    return f"{result['verdict']}: " + (f"too little of {', '.join(lacks)}" if lacks else "; ".join(others))


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def caches():
    """The sizes of the caches for data in bytes, by name, the smallest first; empty if they are not known."""
    found = {}
    for index in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        if (index / "type").read_text().strip() != "Instruction":
            size = (index / "size").read_text().strip()
            unit = {"K": 2**10, "M": 2**20}.get(size[-1], 1)
            found[f"L{(index / 'level').read_text().strip()}"] = int(size.rstrip("KM")) * unit
    return dict(sorted(found.items(), key=lambda one: one[1]))


def processors():
    return len(os.sched_getaffinity(0))

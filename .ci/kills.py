"""Kills a soak at random moments: see .ci/kills."""

import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOAK = "counter churn cycles shared-list --round 150ms --stint 4 --seed 3 --out o".split()
# Rounds whose process was killed count as crashed; they must not end the soak.
LIMITS = "--budget 10m --max-failures 1000".split()
# When to kill, in seconds since the start of the soak: while it runs; in its first moments, in which it makes
# or opens its journal; and the process that runs its rounds. WEIGHTS says how often each is chosen.
MOMENTS = {"running": (0.3, 3.0), "starting": (0.0, 0.03), "child": (0.3, 1.5)}
WEIGHTS = {"running": 5, "starting": 3, "child": 2}
# In seconds; no process takes so long to end, or to write its next line, on any machine.
PATIENCE = 60


class Soak:
    """A soak in a directory of its own, started and killed again and again."""

    def __init__(self, program, place):
        self.program, self.place = program, place
        self.journal = place / "o/journal"
        self.said = place / "said"
        self.process = None
        # All whole lines that were in the journal at the last kill.
        self.acknowledged = b""

    def start(self):
        """Starts a soak, or resumes it if it has a journal."""
        what = ["--resume", "o"] if self.journal.exists() else SOAK
        words = [self.program, "soak", *what, *LIMITS]
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(words, cwd=self.place, stdout=said, stderr=said)

    def text(self):
        return self.journal.read_bytes() if self.journal.exists() else b""

    def lines(self):
        return self.text().count(b"\n")

    def check_is_running(self):
        assert self.process.poll() is None, f"the soak ended: {self.said.read_text()}"

    def check_nothing_is_lost(self):
        assert self.text().startswith(self.acknowledged), "lines are not what they were"

    def acknowledge(self):
        text = self.text()
        assert text.startswith(self.acknowledged), "lines are not what they were"
        self.acknowledged = text[: text.rfind(b"\n") + 1]

    def kill(self):
        """Kills the soak; returns whether the last line of its journal is incomplete."""
        self.check_is_running()
        self.acknowledge()
        self.process.kill()
        assert self.process.wait(PATIENCE) == -signal.SIGKILL
        self.check_nothing_is_lost()
        return not self.text().endswith(b"\n") and self.text() != b""

    def kill_child(self):
        """Kills the process that runs the rounds; the soak must continue. Returns whether a round was lost."""
        self.check_is_running()
        children = [pid for pid in inhabitants(self.place) if parent(pid) == self.process.pid]
        if not children:
            return False
        self.acknowledge()
        before = len(self.records())
        try:
            os.kill(children[0], signal.SIGKILL)
        except ProcessLookupError:
            return False
        wait_until("rounds follow the one that was killed", lambda: len(self.records()) >= before + 3)
        self.check_is_running()
        self.check_nothing_is_lost()
        # Between two stints the old process no longer runs a round, and none crashes.
        return any(record["came"] == "crashed" for record in self.records()[before:])

    def records(self):
        lines = self.text().split(b"\n")[2:-1]
        return [json.loads(line.split(b" ", 1)[1]) for line in lines]


def inhabitants(place):
    """Processes whose working directory this is."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(place):
                found.append(int(process.name))
        except OSError:
            pass
    return found


def parent(pid):
    """The parent of a process, or None if the process no longer exists."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])


def wait_until(what, is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"waited in vain for this: {what}"
        time.sleep(0.005)


def main():
    kills, program, seed = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    print(f"{kills} kills, from seed {seed}", flush=True)
    draw = random.Random(seed)
    place = pathlib.Path(tempfile.mkdtemp()).resolve()
    soak = Soak(program, place)
    counts = collections.Counter()
    try:
        # The first ones are killed in their first moments, some of them before there is a journal.
        kinds = ["starting"] * min(5, kills)
        others = draw.choices(list(WEIGHTS), list(WEIGHTS.values()), k=kills - len(kinds))
        for number, kind in enumerate(kinds + others):
            is_there = soak.journal.exists()
            soak.start()
            time.sleep(draw.uniform(*MOMENTS[kind]))
            if kind == "child":
                while not soak.kill_child():
                    time.sleep(0.01)
                counts["of its child"] += 1
                # The soak is still running. It is killed too, which is not counted.
                soak.kill()
            else:
                cut = soak.kill()
                started = "while it went on with its journal" if is_there else "while it began"
                counts["while it ran" if kind == "running" else started] += 1
                counts["before there was a journal"] += not soak.journal.exists()
                counts["in the midst of a line"] += cut
            # The others resume while the processes of the last soak may still be ending.
            if draw.random() < 0.7:
                wait_until("nobody is left behind", lambda: not inhabitants(place))
            print(f"kill {number + 1}: {kind}, {len(soak.records())} rounds", flush=True)
        wait_until("nobody is left behind", lambda: not inhabitants(place))
        before = len(soak.records())
        last = subprocess.run([program, "soak", "--resume", "o", "--budget", "2s", "--max-failures", "1000"],
                              cwd=place, capture_output=True, text=True, timeout=PATIENCE)
        killed = counts["of its child"]
        # The verdicts of its rounds do not matter here, only that it continued.
        expected = [5] if killed else [0, 1, 3, 4]
        assert last.returncode in expected, f"exit {last.returncode}: {last.stdout}{last.stderr}"
        soak.check_nothing_is_lost()
        records = soak.records()
        assert len(records) > before, "it ran no further round"
        numbers = [record["round"] for record in records]
        assert numbers == list(range(len(numbers))), f"rounds are missing or there twice: {numbers}"
        crashed = [record for record in records if record["came"] != "judged"]
        assert all("signal 9" in record.get("how", "") for record in crashed), crashed
        assert len(crashed) == killed, f"{len(crashed)} crashed, {killed} were killed"
        outcomes = collections.Counter(record.get("outcome", record["came"]) for record in records)
        assert "interrupted" not in outcomes, outcomes
        wait_until("nobody is left behind", lambda: not inhabitants(place))
        for counted in (counts, outcomes):
            print("; ".join(f"{count} {what}" for what, count in counted.items() if count))
        print(f"{kills} kills: {len(records)} rounds, none lost, none twice, none left out; every soak continued, "
              f"and no process was left behind")
    finally:
        if soak.process and soak.process.poll() is None:
            soak.process.kill()
            soak.process.wait()
        shutil.rmtree(place, ignore_errors=True)


main()

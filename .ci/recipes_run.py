"""Runs what the recipes of reports/ci tell a machine to do, step by step, in a scratch repository whose crate is
what `init` writes, or which has the heap in C of examples/c: recipes_run.py PROGRAM

What machines have, and this one may not, is stood in for: `cargo install` puts PROGRAM where it was told to,
`rustup` and `gh` do nothing. Actions (`uses:`) are not run; what they are to be given must be there. Durations
are cut short. It fails if a step does, if an expression is not known here, or if a file that a later
step needs is missing."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
# `mine` is not filled in, so another heap stands in for it.
# So many operations, and not so much time, in which a busy machine may do too little.
SHORT = {"STORM": "churn cycles --ops 200000", "HEAP": "gil", "BUDGET": "1s"}
# The shim: `cargo install … --root R` makes R/bin/gcstorm-mine, if the crate has a manifest and a lock file; and
# R/bin/gcstorm, if it is to come from a repository.
CARGO = """#!/usr/bin/env bash
set -euo pipefail
[ "$1" = install ]
root= path= git=
while [ $# -gt 0 ]; do
    case $1 in --root) root=$2 ;; --path) path=$2 ;; --git) git=$2 ;; esac
    shift
done
if [ -n "$git" ]; then
    mkdir -p "$root/bin"
    exec cp --no-clobber "$STORM_PROGRAM" "$root/bin/gcstorm"
fi
[ -f "$path/Cargo.toml" ] && [ -f "$path/Cargo.lock" ]
mkdir -p "$root/bin"
cp --no-clobber "$STORM_PROGRAM" "$root/bin/gcstorm-mine"
"""


class Machine:
    """A checked-out repository, and what a runner sets."""

    short = SHORT

    def __init__(self, scratch, program):
        self.home, self.bin = scratch / "repository", scratch / "bin"
        self.summary = scratch / "summary.md"
        self.bin.mkdir()
        for name, text in {"cargo": CARGO, "rustup": "#!/bin/sh\n", "gh": "#!/bin/sh\n"}.items():
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        self.environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": os.environ["HOME"],
                            "STORM_PROGRAM": str(program), "GITHUB_STEP_SUMMARY": str(self.summary)}
        upstream = scratch / "upstream"
        setup = (f"git init -q -b main {upstream} && cd {upstream} && {self.contents(program)} && "
                 "git add . && git -c user.name=a -c user.email=a@example.org commit -qm first && "
                 f"git clone -q {upstream} {self.home} && cd {self.home} && git switch -qc change")
        self.bash(setup, {}, scratch)

    def contents(self, program):
        """The command that fills the repository."""
        return f"{program} init --heap mine -q"

    def tried(self, script, environment, where=None):
        """How it exits."""
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                              cwd=where or self.home, env={**self.environment, **environment})
        return done.returncode

    def bash(self, script, environment, where=None):
        code = self.tried(script, environment, where)
        if code != 0:
            sys.exit(f"exit {code}: {script}")

    def needs(self, *names):
        for name in names:
            if not (self.home / name).exists():
                sys.exit(f"there is no {name}, which a later step needs")


MAKEFILE = "libmine.so: mine.c\n\tcc -std=c11 -O2 -shared -fPIC -I. -o $@ mine.c\n"


class MachineForC(Machine):
    """A repository with a heap in C."""

    short = {"STORM": "counter cycles --ops 200000", "BUDGET": "1s"}

    def contents(self, program):
        return f"cp {ROOT}/examples/c/refcount.c mine.c && printf %s '{MAKEFILE}' > Makefile"


class MachineWithBrokenBase(MachineForC):
    """The same with a mistake in it, which shows in the first run."""

    def contents(self, program):
        return f"{super().contents(program)} && sed -i 's/child->count++;//' mine.c"


class MachineWithoutBase(MachineForC):
    """A repository in which the change brings the heap."""

    def contents(self, program):
        return "touch README.md"


def text(value, known):
    """A value, with the expressions of GitHub worked out."""
    def worked_out(found):
        name = found[1]
        return known[name] if name in known else sys.exit(f"what is ${{{{ {name} }}}}?")
    return re.sub(r"\$\{\{ (.*?) \}\}", worked_out, str(value))


def steps(recipe, job):
    """The steps of one job of a workflow."""
    return yaml.safe_load((ROOT / "reports/ci" / recipe).read_text())["jobs"][job]["steps"]


def github(machine, recipe, job, known, red=None):
    """Runs the steps of one job of a workflow, one after the other, up to the one that is to fail, if one is."""
    workflow = yaml.safe_load((ROOT / "reports/ci" / recipe).read_text())
    job = workflow["jobs"][job]
    for step in job["steps"]:
        if "run" not in step:
            continue
        print(f"{recipe}: {step.get('name', step['run'])}", flush=True)
        environment = {}
        for part in (workflow, job, step):
            environment |= {name: text(value, known) for name, value in part.get("env", {}).items()}
        environment |= {name: value for name, value in machine.short.items() if name in environment}
        script = text(step["run"], known).replace("--duration 30s", "--cases 10000")
        if red and step.get("name") == red:
            return machine.tried(script, environment) or sys.exit(f"{red} does not fail")
        machine.bash(script, environment)
    return sys.exit(f"there is no step {red}") if red else 0


def gitlab(machine, job, **more):
    """Runs the script of one job of the pipeline."""
    recipe = yaml.safe_load((ROOT / "reports/ci/gitlab-ci.yml").read_text())
    environment = {**recipe["variables"], **SHORT, "CI_PIPELINE_IID": "7", **more}
    environment["CARGO_HOME"] = str(machine.home / ".cargo")
    print(f"gitlab-ci.yml: {job}", flush=True)
    machine.bash("\n".join(recipe[job]["script"] + recipe[job].get("after_script", [])), environment)


def fresh(program, work, kind):
    """Runs `work` on a machine of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        work(kind(pathlib.Path(scratch), program))


def storm(machine):
    github(machine, "github-actions.yml", "storm", {"github.base_ref": "main"})
    machine.needs("results/change/junit.xml", "results/fuzz/junit.xml", "results/change/report.html", "results/duel/new")
    for words in ("gcstorm: held", "metrics"):
        assert words in machine.summary.read_text(), machine.summary.read_text()


def nightly(machine):
    night = {"github.run_number": "7", "strategy.job-total": "2"}
    github(machine, "nightly.yml", "build", night)
    machine.needs("storm.tar")
    shutil.rmtree(machine.home / "bin")
    for index in range(2):
        github(machine, "nightly.yml", "soak", {**night, "strategy.job-index": str(index)})
        machine.needs(f"shard-{index}/journal")
        (machine.home / "shards").mkdir(exist_ok=True)
        (machine.home / f"shard-{index}").rename(machine.home / f"shards/shard-{index}")
    github(machine, "nightly.yml", "merge", night)
    machine.needs("merged")


def prebuilt(machine):
    target = "x86_64-unknown-linux-gnu"
    github(machine, "prebuilt.yml", "build", {"matrix.target": target, "github.token": "", "github.ref_name": "v1"})
    machine.needs(f"gcstorm-mine-{target}.tar.gz.sha256")


def pipeline(machine):
    for job in ("program", "storm"):
        gitlab(machine, job)
    machine.needs("results/junit.xml")
    for index in (1, 2):
        gitlab(machine, "soak", CI_NODE_INDEX=str(index), CI_NODE_TOTAL="2", GITLAB_CI="true")
        machine.needs(f"shard-{index}/journal")
    gitlab(machine, "merge")
    machine.needs("merged")


def anywhere(machine):
    shutil.copy(ROOT / "reports/ci/storm.sh", machine.home)
    for line in ("./storm.sh first", "./storm.sh second first"):
        print(f"storm.sh: {line}", flush=True)
        # Few runs show nothing, which is 3.
        machine.bash(f"{line} || [ $? -eq 3 ]", {**SHORT, "GCSTORM": machine.environment["STORM_PROGRAM"]})
    machine.needs("second/compare.txt")


CHANGE = {"github.base_ref": "main", "github.run_number": "7"}
# What each of these does to the library, and the step that must be red for it.
PLANTED = {
    "a lost increment": ("child->count++", "", "Random programs"),
    "an addition that is lost": ("(uint64_t)c->number + (uint64_t)by", "(uint64_t)by", "Random programs"),
    "a slow addition": ("if (c) c->number = (int64_t)", "for (volatile int i = 0; i < 2000; i++) {} if (c) c->number = (int64_t)",
                        "Compare with the base"),
}


def library(machine):
    github(machine, "c.yml", "storm", CHANGE)
    machine.needs("results/storm/junit.xml", "results/fuzz/junit.xml", "results/duel/new")
    for words in ("gcstorm: held", "metrics"):
        assert words in machine.summary.read_text(), machine.summary.read_text()
    github(machine, "c.yml", "soak", CHANGE)
    machine.needs("soak/journal")


def planted(machine):
    source = machine.home / "mine.c"
    right = source.read_text()
    for name, (there, instead, step) in PLANTED.items():
        assert there in right, there
        source.write_text(right.replace(there, instead))
        print(f"c.yml, with {name}", flush=True)
        machine.bash("rm -rf results ../base libmine.so && git worktree prune", {})
        github(machine, "c.yml", "storm", CHANGE, red=step)
    # What was kept of the second is red until it is mended, and green then.
    source.write_text(right.replace(*PLANTED["an addition that is lost"][:2]))
    machine.bash("rm -rf results libmine.so cases && make && mkdir cases && "
                 "! storm/bin/gcstorm fuzz --heap ./libmine.so --seed 1 --out cases -q", {})
    # A run keeps a command to repeat it.
    machine.bash("! storm/bin/gcstorm run counter --heap ./libmine.so --ops 20000 --out kept -q && "
                 "cp kept/failure.case cases/run.case", {})
    step = "What failed once"
    failed_once = [it for it in steps("c.yml", "storm") if it.get("name") == step][0]["run"]
    environment = {"CASES": "cases"}
    assert machine.tried(failed_once, environment) == 1
    source.write_text(right)
    machine.bash("rm -rf results && make -B", {})
    machine.bash(failed_once, environment)


def mended(machine):
    machine.bash(MachineForC.contents(machine, None), {})
    github(machine, "c.yml", "storm", CHANGE)
    assert "a run of the base failed" in machine.summary.read_text(), machine.summary.read_text()


def first(machine):
    machine.bash(MachineForC.contents(machine, None), {})
    github(machine, "c.yml", "storm", CHANGE)
    assert "Nothing was compared" in machine.summary.read_text(), machine.summary.read_text()


for one in (storm, nightly, prebuilt, pipeline, anywhere):
    fresh(pathlib.Path(sys.argv[1]).resolve(), one, Machine)
for one, kind in ((library, MachineForC), (planted, MachineForC), (mended, MachineWithBrokenBase),
                  (first, MachineWithoutBase)):
    fresh(pathlib.Path(sys.argv[1]).resolve(), one, kind)
print("every command of the recipes works, in a crate that `init` wrote and beside a heap in C")

"""Runs what the recipes of reports/ci tell a machine to do, step by step, in a scratch repository whose crate is
what `init` writes: recipes_run.py PROGRAM

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
SHORT = {"STORM": "shared-list cycles --heap gil --duration 300ms", "BUDGET": "1s"}
# The shim: `cargo install … --root R` makes R/bin/gcstorm-mine, if the crate has a manifest and a lock file.
CARGO = """#!/usr/bin/env bash
set -euo pipefail
[ "$1" = install ]
root= path=
while [ $# -gt 0 ]; do
    case $1 in --root) root=$2 ;; --path) path=$2 ;; esac
    shift
done
[ -f "$path/Cargo.toml" ] && [ -f "$path/Cargo.lock" ]
mkdir -p "$root/bin"
cp --no-clobber "$STORM_PROGRAM" "$root/bin/gcstorm-mine"
"""


class Machine:
    """A checked-out repository, and what a runner sets."""

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
        setup = (f"git init -q -b main {upstream} && cd {upstream} && {program} init --heap mine -q && "
                 "git add . && git -c user.name=a -c user.email=a@example.org commit -qm first && "
                 f"git clone -q {upstream} {self.home} && cd {self.home} && git switch -qc change")
        self.bash(setup, {}, scratch)

    def bash(self, script, environment, where=None):
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                              cwd=where or self.home, env={**self.environment, **environment})
        if done.returncode != 0:
            sys.exit(f"exit {done.returncode}: {script}")

    def needs(self, *names):
        for name in names:
            if not (self.home / name).exists():
                sys.exit(f"there is no {name}, which a later step needs")


def text(value, known):
    """A value, with the expressions of GitHub worked out."""
    def worked_out(found):
        name = found[1]
        return known[name] if name in known else sys.exit(f"what is ${{{{ {name} }}}}?")
    return re.sub(r"\$\{\{ (.*?) \}\}", worked_out, str(value))


def github(machine, recipe, job, known):
    """Runs the steps of one job of a workflow, one after the other."""
    workflow = yaml.safe_load((ROOT / "reports/ci" / recipe).read_text())
    job = workflow["jobs"][job]
    for step in job["steps"]:
        if "run" not in step:
            continue
        print(f"{recipe}: {step.get('name', step['run'])}", flush=True)
        environment = {}
        for part in (workflow, job, step):
            environment |= {name: text(value, known) for name, value in part.get("env", {}).items()}
        machine.bash(text(step["run"], known), {**environment, **{k: v for k, v in SHORT.items() if k in environment}})


def gitlab(machine, job, **more):
    """Runs the script of one job of the pipeline."""
    recipe = yaml.safe_load((ROOT / "reports/ci/gitlab-ci.yml").read_text())
    environment = {**recipe["variables"], **SHORT, "CI_PIPELINE_IID": "7", **more}
    environment["CARGO_HOME"] = str(machine.home / ".cargo")
    print(f"gitlab-ci.yml: {job}", flush=True)
    machine.bash("\n".join(recipe[job]["script"] + recipe[job].get("after_script", [])), environment)


def fresh(program, work):
    """Runs `work` on a machine of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        work(Machine(pathlib.Path(scratch), program))


def storm(machine):
    github(machine, "github-actions.yml", "storm", {"github.base_ref": "main"})
    machine.needs("results/change/junit.xml", "results/change/report.html", "results/duel/new")
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


for one in (storm, nightly, prebuilt, pipeline, anywhere):
    fresh(pathlib.Path(sys.argv[1]).resolve(), one)
print("every command of the recipes works in a crate that `init` wrote")

#!/usr/bin/env bash
# Runs a storm, and compares it with one of the base branch if that is there. For any CI: keep the
# directory OUT, show OUT/report.md, and hand OUT/junit.xml to what shows tests.
#
#   storm.sh OUT [BASE]     BASE: the directory of an earlier storm of the base branch
#
# GCSTORM        the program              (default: gcstorm)
# STORM          arguments of `run`       (default: shared-list live-heap --duration 2s --repeat 8 --seed 1)
# MAX_REGRESSION what is still no alarm   (default: 5%)
#
# Exits as gcstorm does: 1 a check was violated, 3 vacuous, 4 a regression, 5 the heap crashed.
set -uo pipefail

out=${1:?storm.sh OUT [BASE]}
base=${2:-}
gcstorm=${GCSTORM:-gcstorm}
read -r -a storm <<<"${STORM:-shared-list live-heap --duration 2s --repeat 8 --seed 1}"

code=0
"$gcstorm" run "${storm[@]}" --out "$out" || code=$?
# A storm that did not hold is not worth comparing.
if [ "$code" -eq 0 ] && [ -n "$base" ] && [ -d "$base" ]; then
    "$gcstorm" compare "$base" "$out" --max-regression "${MAX_REGRESSION:-5%}" \
        >"$out/compare.txt" || code=$?
    cat "$out/compare.txt"
fi
exit "$code"

#!/usr/bin/env bash
# Waits until a Job has come to an end, whichever: `kubectl wait` waits for one condition only, and for ever if the
# other comes. Says which it was.
#
#   kubernetes-wait.sh JOB [TIMEOUT]     TIMEOUT: as kubectl takes it (default: 24h)
#
# Exits with 0 if the Job is complete, 1 if it failed, 2 if it is neither after TIMEOUT, or kubectl cannot tell.
set -uo pipefail

job=${1:?kubernetes-wait.sh JOB [TIMEOUT]}
timeout=${2:-24h}

wait_for() { exec kubectl wait --for="condition=$1" --timeout="$timeout" "job/$job" >/dev/null; }
wait_for complete &
complete=$!
wait_for failed &
failed=$!
trap 'kill "$complete" "$failed" 2>/dev/null' EXIT

# One of the two ends first: since its condition came, or since both have waited for so long.
first=
wait -n -p first "$complete" "$failed"
code=$?
if [ "$code" -ne 0 ]; then
    # It gave up. The other one may have its condition all the same.
    if [ "$first" = "$complete" ]; then first=$failed; else first=$complete; fi
    wait "$first"
    code=$?
fi
if [ "$code" -ne 0 ]; then
    echo "$job: neither complete nor failed, as far as kubectl can tell" >&2
    exit 2
elif [ "$first" = "$failed" ]; then
    echo "$job: failed"
    exit 1
fi
echo "$job: complete"

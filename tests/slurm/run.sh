#!/usr/bin/env bash
# Start a Slurm on this machine, run the tests that need it, and take it down.
#
#   run.sh            all of them: accidents without accounting, the rest with it (14 minutes)
#   run.sh --short    a run and a cancelled job (2 minutes); where this machine cannot
#                     run Slurm this says so, with the reason, and is no failure
set -uo pipefail
cd "$(dirname "$0")/../.."
trap tests/slurm/stop.sh EXIT

cannot_run_here=77

tests_on_slurm() {
    SYNREDUCE_SLURM=1 .venv/bin/python -m pytest "$@"
}

if [ "${1:-}" = --short ]; then
    reason=$(tests/slurm/start.sh 2>&1)
    status=$?
    if [ "$status" = "$cannot_run_here" ]; then
        echo "$reason"
        echo "SKIPPED: no test ran on Slurm, because it cannot be started here ($(tail -n 1 <<<"$reason"))"
        exit 0
    elif [ "$status" != 0 ]; then
        echo "$reason"
        exit "$status"
    fi
    tests_on_slurm tests/slurm/test_slurm.py
    exit
fi

tests/slurm/start.sh || exit
tests_on_slurm tests/slurm/test_slurm.py tests/slurm/test_accidents.py
without_accounting=$?
tests/slurm/stop.sh
tests/slurm/start.sh --accounting || exit
# Side by side: they mostly wait, and leave Slurm's nodes and its controller alone.
tests_on_slurm --numprocesses=3 --dist=loadfile \
    tests/slurm/test_accounting.py tests/slurm/test_long_fits.py tests/slurm/test_nodes.py
exit $((without_accounting | $?))

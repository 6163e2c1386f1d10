#!/bin/sh
# State of a Grid Engine job, as Snakemake wants it: running, success or failed.
if qstat -j "$1" >/dev/null 2>&1; then
    echo running
# Between the queue and the accounting a job is in neither for a moment.
elif ! shown=$(qacct -j "$1" 2>/dev/null); then
    echo running
elif printf '%s\n' "$shown" | grep -Eq '^(failed|exit_status) +[1-9]'; then
    echo failed
else
    echo success
fi

#!/usr/bin/env bash
# Take down what start.sh started, by recorded process id, and leave nothing of it.
set -uo pipefail

state=${SLURM_TEST_STATE:-/var/tmp/synreduce-slurm}
mark="# synreduce test cluster; tests/slurm/stop.sh removes this file"
configuration=/etc/slurm/slurm.conf

end_process() {    # NAME PIDFILE
    local pid
    pid=$(cat "$2" 2>/dev/null) || return 0
    # The number may have gone to another program since.
    case "$(cat "/proc/$pid/comm" 2>/dev/null)" in "$1"*) ;; *) return 0 ;; esac
    kill "$pid"
    for _ in $(seq 75); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.2
    done
    kill -KILL "$pid"
}

if grep -qxF "$mark" "$configuration" 2>/dev/null; then
    # Jobs outlive the daemon of their node.
    timeout 10 scancel --user="$(id -un)" 2>/dev/null
    for _ in $(seq 25); do
        [ -z "$(timeout 5 squeue --noheader 2>/dev/null)" ] && break
        sleep 0.2
    done
fi
for file in "$state"/slurmd-*.pid; do
    end_process slurmd "$file"
done
end_process slurmctld "$state/slurmctld.pid"
end_process slurmdbd "$state/slurmdbd.pid"
end_process mariadbd "$state/mariadbd.pid"
end_process munged "$state/munged.pid"
# With a configuration and no controller every start of Snakemake would wait nine seconds.
for file in "$configuration" /etc/slurm/slurmdbd.conf; do
    grep -qxF "$mark" "$file" 2>/dev/null && rm "$file"
done
rm -rf "$state"
echo "Slurm stopped"

#!/usr/bin/env bash
# Four virtual Slurm nodes on this machine, for tests: Debian, root, no systemd, no accounting.
# One slurmd per node, all on loopback; together they offer more cores than the machine has.
# Everything runs as root: good for a throw-away machine, no model for a cluster.
set -euo pipefail
export LC_ALL=C

state=${SLURM_TEST_STATE:-/var/tmp/synreduce-slurm}
nodes=4
cores_per_node=4
memory_per_node=6000
first_port=17817
mark="# synreduce test cluster; tests/slurm/stop.sh removes this file"
# Not SLURM_CONF: Snakemake's job steps do not hand it on.
configuration=/etc/slurm/slurm.conf
host=$(hostname -s)

fail() {
    echo "start.sh: $*" >&2
    tail -n 20 "$state"/*.log >&2 2>/dev/null || true
    exit 1
}

answers_within() {    # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

all_nodes_idle() {
    [ "$(sinfo --noheader --Node --states=idle --format=%N | sort -u | wc -l)" = "$nodes" ]
}

[ "$(id -u)" = 0 ] || fail "needs root"
if [ -e "$configuration" ] && ! grep -qxF "$mark" "$configuration"; then
    fail "$configuration belongs to another Slurm"
fi
if ! command -v slurmctld slurmd munged >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi

mkdir -p "$state/controller" /etc/slurm
node_lines=""
for i in $(seq "$nodes"); do
    mkdir -p "$state/n$i"
    node_lines+="NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first_port + i)) "
    node_lines+="CPUs=$cores_per_node RealMemory=$memory_per_node State=UNKNOWN"$'\n'
done

# Memory limits are kept by sampling, which needs no control groups. AuthInfo and the time-outs
# make a lost node known in half a minute.
cat >"$configuration" <<CONF
$mark
ClusterName=synreduce
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$first_port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=cred_expire=10
StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/%n
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd-%n.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2
SlurmctldTimeout=10
SlurmdTimeout=10
KillWait=2
MinJobAge=300
ReturnToService=2
MailProg=/bin/true
${node_lines}PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF

if ! munge --no-input >/dev/null 2>&1; then
    [ -s /etc/munge/munge.key ] || (umask 077 && head -c 1024 /dev/urandom >/etc/munge/munge.key)
    chown munge:munge /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 700 /var/lib/munge /var/log/munge
    setpriv --reuid munge --regid munge --clear-groups munged --pid-file=/run/munge/munged.pid
    answers_within 10 munge --no-input || fail "munged does not answer"
    cp /run/munge/munged.pid "$state/munged.pid"
fi

slurmctld
answers_within 20 scontrol ping || fail "slurmctld does not answer"
for i in $(seq "$nodes"); do
    slurmd -N "n$i"
done
answers_within 30 all_nodes_idle || fail "nodes: $(sinfo --noheader --Node --format='%N=%T' | tr '\n' ' ')"
echo "$nodes nodes of $cores_per_node cores and $memory_per_node MB: $(sinfo --version)"

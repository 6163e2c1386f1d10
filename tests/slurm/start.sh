#!/usr/bin/env bash
# Four virtual Slurm nodes on this machine, for tests: Debian, root, no systemd.
#
#   start.sh                 without accounting: sacct does not answer
#   start.sh --accounting    with a data base behind it: sacct answers
#
# One slurmd per node, all on loopback; together they offer more cores than the machine has.
# Everything runs as root: good for a throw-away machine, no model for a cluster.
# Status 77: this machine cannot run it; the reason is the last line of stderr.
set -euo pipefail
export LC_ALL=C

state=${SLURM_TEST_STATE:-/var/tmp/synreduce-slurm}
nodes=4
cores_per_node=4
memory_per_node=16000
first_port=17817
database_port=17830
mark="# synreduce test cluster; tests/slurm/stop.sh removes this file"
# Not SLURM_CONF: Snakemake's job steps do not hand it on.
configuration=/etc/slurm/slurm.conf
host=$(hostname -s)
accounting=no
[ "${1:-}" = --accounting ] && accounting=yes

fail() {
    tail -n 20 "$state"/*.log >&2 2>/dev/null || true
    echo "start.sh: $*" >&2
    exit 1
}

cannot_run_here() {
    echo "start.sh: $*" >&2
    exit 77
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

[ "$(id -u)" = 0 ] || cannot_run_here "needs root"
if [ -e "$configuration" ] && ! grep -qxF "$mark" "$configuration"; then
    cannot_run_here "$configuration belongs to another Slurm"
fi
programs="slurmctld slurmd munged setpriv" packages="slurm-wlm munge"
if [ "$accounting" = yes ]; then
    programs+=" slurmdbd mariadbd" packages+=" slurmdbd mariadb-server"
fi
# shellcheck disable=SC2086  # lists of words
if [ "$(command -v $programs | wc -l)" != "$(wc -w <<<"$programs")" ]; then
    command -v apt-get >/dev/null || cannot_run_here "needs Debian's packages $packages"
    installation=$(apt-get update 2>&1 && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $packages 2>&1) || {
        tail -n 5 <<<"$installation" >&2
        cannot_run_here "Debian's packages $packages cannot be installed"
    }
fi

mkdir -p "$state/controller" /etc/slurm
node_lines=""
for i in $(seq "$nodes"); do
    mkdir -p "$state/n$i"
    node_lines+="NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first_port + i)) "
    node_lines+="CPUs=$cores_per_node RealMemory=$memory_per_node State=UNKNOWN"$'\n'
done

storage="AccountingStorageType=accounting_storage/none"
if [ "$accounting" = yes ]; then
    storage="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$database_port
AccountingStoreFlags=job_comment"
fi

# Memory limits are kept by sampling, which needs no control groups. AuthInfo and the time-outs
# make a lost node known in half a minute. Tests ask about jobs that ended long ago (MinJobAge).
# A node that was set down stays so, even if it answers (ReturnToService).
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
$storage
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2
SlurmctldTimeout=10
SlurmdTimeout=10
KillWait=2
MinJobAge=3600
ReturnToService=1
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

if [ "$accounting" = yes ]; then
    install -m 600 /dev/null /etc/slurm/slurmdbd.conf
    cat >/etc/slurm/slurmdbd.conf <<CONF
$mark
AuthType=auth/munge
DbdHost=$host
DbdAddr=127.0.0.1
DbdPort=$database_port
SlurmUser=root
LogFile=$state/slurmdbd.log
PidFile=$state/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=synreduce_accounting
CONF
    socket=/run/mysqld/mysqld.sock
    install -d -o mysql -g mysql -m 755 /run/mysqld
    install -d -o mysql -g mysql -m 700 "$state/database"
    # The user of the data base is the user of the system, over a socket: no password, no port.
    mariadb-install-db --no-defaults --user=mysql --datadir="$state/database" --skip-test-db \
        --auth-root-authentication-method=socket >"$state/mariadb.log" 2>&1 || fail "mariadb-install-db"
    setsid mariadbd --no-defaults --user=mysql --datadir="$state/database" --socket="$socket" --skip-networking \
        --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=0 \
        </dev/null >>"$state/mariadb.log" 2>&1 &
    echo $! >"$state/mariadbd.pid"
    answers_within 60 mariadb-admin --socket="$socket" ping || fail "mariadbd does not answer"
    slurmdbd
    answers_within 60 sacctmgr --noheader show cluster || fail "slurmdbd does not answer"
    sacctmgr --immediate --quiet add cluster synreduce
    sacctmgr --immediate --quiet add account team cluster=synreduce
    sacctmgr --immediate --quiet add user root account=team defaultaccount=team cluster=synreduce
fi

slurmctld
answers_within 20 scontrol ping || fail "slurmctld does not answer"
for i in $(seq "$nodes"); do
    slurmd -N "n$i"
done
answers_within 30 all_nodes_idle || fail "nodes: $(sinfo --noheader --Node --format='%N=%T' | tr '\n' ' ')"
echo "$nodes nodes of $cores_per_node cores and $memory_per_node MB, accounting: $accounting, $(sinfo --version)"

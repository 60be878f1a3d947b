"""The services below lock managers: corosync and dlm_controld, or watchdog, wdmd and sanlock."""
import time

from . import guest, machine, nodes
from .common import Failure

COROSYNC = """totem {{
  version: 2
  cluster_name: rig
  transport: udpu
  token: 10000
}}
nodelist {{
{nodes}}}
quorum {{
  provider: corosync_votequorum
{two}}}
logging {{
  to_stderr: no
  to_logfile: yes
  logfile: /tmp/corosync.log
}}
"""
NODE = """  node {{
    ring0_addr: 10.77.0.{k}
    nodeid: {k}
    name: node{k}
  }}
"""

# Nothing fences these nodes: a node that is gone was turned off by the test.
START_DLM = r"""cat >/etc/corosync/corosync.conf <<'X'
{corosync}X
mkdir -p /etc/dlm /var/log/cluster
printf 'enable_fencing=0\nenable_quorum_lockspace=0\nlog_debug=1\n' >/etc/dlm/dlm.conf
corosync >/dev/null || exit 1
while [ $SECONDS -lt 30 ]; do
    timeout 5 corosync-quorumtool -s >/dev/null 2>&1
    [ $? -le 1 ] && break
    sleep 0.2
done
dlm_controld >/dev/null
"""
# A node is ready when it sees all others, and dlm_controld has told the kernel of the cluster.
AWAIT_DLM = r"""while [ $SECONDS -lt 90 ]; do
    [ "$(timeout 5 corosync-quorumtool -s | sed -n 's/^Nodes: *//p')" = {count} ] &&
        [ -e /sys/kernel/config/dlm/cluster/cluster_name ] && exit 0
    sleep 0.2
done 2>/dev/null
exec 2>&1
pidof corosync dlm_controld
timeout 5 corosync-quorumtool -s
timeout 5 dlm_tool dump | tail -n 20
tail /tmp/corosync.log
exit 1
"""
STOP_DLM = r"""pkill -KILL -x dlm_controld
pkill -KILL -x corosync
while pidof dlm_controld corosync >/dev/null; do sleep 0.1; done
rm -f /dev/shm/qb-* /var/run/corosync.pid
"""

# A name of its own that does not change lets a host take its lockspaces back without a delay.
START_SANLOCK = r"""[ -e /dev/watchdog ] || { echo "no watchdog"; exit 1; }
wdmd -H 0 -G root >/dev/null
sanlock daemon -U root -G root -e $(hostname) -w 1 >/dev/null
for i in $(seq 100); do
    sanlock client status >/dev/null 2>&1 && exit 0
    sleep 0.1
done
echo "sanlock does not answer"
exit 1
"""


def start(kind, only):
    """Starts the services on one node, or on all, and returns when they work."""
    started, on = time.time(), list(machine.running())
    if not on:
        raise Failure("no node is running")
    if only is not None and only not in on:
        raise Failure(f"node {only} is not running")
    which = on if only is None else [only]
    if kind == "dlm":
        everyone = range(1, nodes.shape()["nodes"] + 1)
        two = "  two_node: 1\n  wait_for_all: 0\n" if len(everyone) == 2 else ""
        conf = COROSYNC.format(nodes="".join(NODE.format(k=k) for k in everyone), two=two)
        try:
            start_dlm(which, on, conf)
        except Failure as failure:
            # A service that does not come up is started again, as systemd would.
            print(f"rig: {failure}\nrig: again")
            demand(which, STOP_DLM)
            start_dlm(which, on, conf)
    elif kind == "sanlock":
        demand(which, START_SANLOCK)
    else:
        raise Failure(f"there is no cluster {kind}, only dlm and sanlock")
    print(f"rig: {kind} on {len(which)} nodes in {time.time() - started:.0f} s")


def start_dlm(which, on, conf):
    demand(which, START_DLM.format(corosync=conf))
    demand(on, AWAIT_DLM.format(count=len(on)))


def demand(which, line):
    for k, (status, output) in guest.run_on(which, line, 120).items():
        if status:
            raise Failure(f"node {k}: status {status}: {output}")

"""All nodes together: up, down, and who owns them."""
import fcntl
import glob
import json
import os
import select
import shutil
import subprocess
import sys
import time

from . import guest, image, machine
from .common import WORK, Failure, lives, path, processes, shell

SWITCH = "vde_switch"
DISK_SIZE = "1G"


def up(count, disks, owner):
    """Boots nodes in place of those that are left from before."""
    if not 1 <= count <= 4 or not 0 <= disks <= 8:
        raise Failure("between 1 and 4 nodes, and up to 8 disks")
    image.file("root.img")
    if len(path("node1.agent")) > 100:
        raise Failure(f"the name of the folder is too long for sockets in it: {WORK}; set RIG_WORK")
    with open(path("up.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if machine.running() and owner_of_running() not in (None, owner):
            raise Failure(f"process {owner_of_running()} uses the nodes in {WORK}: "
                          "wait for it, or set RIG_WORK")
        down()
        started = time.time()
        for left in glob.glob(path("node*")) + glob.glob(path("disk*")):
            os.unlink(left)
        for i in range(disks):
            shell(f"truncate -s {DISK_SIZE} {path(f'disk{i}.img')}")
        with open(path("shape"), "w") as file:
            json.dump({"nodes": count, "disks": disks}, file)
        start_switch()
        if owner:
            own(owner)
        try:
            for k in range(1, count + 1):
                machine.start(k)
            for k in range(1, count + 1):
                guest.await_ready(k)
        except BaseException:
            down()
            raise
    print(f"rig: {count} nodes up in {time.time() - started:.0f} s")


def boot(k):
    """Turns a node on that is off."""
    if not 1 <= k <= shape()["nodes"]:
        raise Failure(f"there is no node {k}")
    machine.start(k)
    guest.await_ready(k)


def shape():
    """How many nodes and disks there are, on or off."""
    with open(path("shape")) as file:
        return json.load(file)


def start_switch():
    """The nodes' network: a switch on unix sockets, so that nothing leaves this machine."""
    shutil.rmtree(path("switch"), ignore_errors=True)
    shell(f"{SWITCH} --sock {path('switch')} --daemon")
    for _ in range(200):
        if os.path.exists(path("switch/ctl")):
            return
        time.sleep(0.05)
    raise Failure("the nodes' network does not start (vde_switch)")


def own(owner):
    """Lets the nodes stop when a process ends, in whatever way it does."""
    with open(path("owner"), "w") as file:
        file.write(str(owner))
    subprocess.Popen([sys.argv[0], "watch", str(owner)], start_new_session=True,
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)


def owner_of_running():
    """The process that owns the nodes, if it lives."""
    try:
        with open(path("owner")) as file:
            owner = int(file.read())
    except (OSError, ValueError):
        return None
    return owner if lives(owner) else None


def watch(owner):
    """Waits for the owner's end, and stops the nodes if they are its own still."""
    try:
        ended = select.poll()
        ended.register(os.pidfd_open(owner), select.POLLIN)
        ended.poll()
    except ProcessLookupError:
        pass
    with open(path("up.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(path("owner")) and owner_of_running() is None:
            down()


def down():
    """Stops everything that runs for these nodes."""
    machine.power_off_all()
    # Asked politely, it stays.
    machine.end_processes([pid for pid, _ in processes(SWITCH, path("switch"))])
    if os.path.exists(path("owner")):
        os.unlink(path("owner"))


def status():
    on = machine.running()
    everyone = range(1, shape()["nodes"] + 1) if os.path.exists(path("shape")) else []
    for k in everyone:
        print(f"node {k} is {'on' if k in on else 'off'}")

"""One node as a QEMU process: its parts, its power, its disks."""
import json
import os
import re
import signal
import socket
import subprocess
import time

from . import image
from .common import HOST, MEMORY_MIB, WORK, Failure, lives, path, processes

QEMU = "qemu-system-x86_64"
PROBE_SECONDS = 6
# Streams to a node: the suffix of the socket here, and the name there.
PORTS = {"ga": "org.qemu.guest_agent.0", "agent": "host.agent", "peer": "host.peer"}


def accelerator():
    """What QEMU runs nodes with: KVM only where a machine boots with it. Some hosts have a
    /dev/kvm that creates machines and cannot run an ordinary kernel. Looked at once a boot."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    if os.path.exists(path("accelerator")):
        with open(path("accelerator")) as file:
            seen, *words = file.read().split()
        if seen == boot:
            return words
    words = ["-accel", "kvm", "-cpu", "host"]
    if not boots_with(words):
        words = ["-accel", "tcg,thread=multi", "-cpu", "max"]
    with open(path("accelerator"), "w") as file:
        print(boot, *words, file=file)
    return words


def boots_with(words):
    if not os.access("/dev/kvm", os.W_OK):
        return False
    probe = [QEMU, *words, *bare_machine(256), "-append", "quiet panic=-1 rig.probe"]
    try:
        return subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PROBE_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def bare_machine(memory_mib):
    """What boots, and stays off when it goes off."""
    return ["-smp", "1", "-m", str(memory_mib), "-nodefaults", "-no-reboot", "-display", "none",
            "-kernel", image.file("vmlinuz"), "-initrd", image.file("initrd.gz")]


def start(k):
    """Turns node k on; says nothing of when it is ready."""
    if k in running():
        raise Failure(f"node {k} is running already")
    with open(path("shape")) as file:
        disks = json.load(file)["disks"]
    words = [QEMU, *accelerator(), *bare_machine(MEMORY_MIB),
             "-append", f"console=ttyS0 quiet panic=-1 rig.node={k} mitigations=off audit=0 "
                        "net.ifnames=0",
             "-serial", f"file:{path(f'node{k}.log')}", "-device", "virtio-rng-pci",
             "-qmp", f"unix:{path(f'node{k}.qmp')},server=on,wait=off",
             # What a node writes to its root disk ends with it.
             "-drive",
             f"file={image.file('root.img')},format=raw,if=none,id=root,snapshot=on",
             "-device", "virtio-blk-pci,drive=root,serial=root",
             "-netdev", f"vde,id=n0,sock={path('switch')}",
             "-device", f"virtio-net-pci,netdev=n0,id=nic0,mac=52:54:00:77:00:{k:02x}",
             "-virtfs", f"local,path={HOST},mount_tag=host,security_model=none,readonly=on,"
                        "multidevs=remap",
             "-device", "virtio-serial"]
    for i in range(disks):
        words += shared_disk(i)
    for port, name in PORTS.items():
        socket_path = path(f"node{k}.{port}")
        words += ["-chardev", f"socket,path={socket_path},server=on,wait=off,id={port}",
                  "-device", f"virtserialport,chardev={port},name={name}"]
    with open(path(f"node{k}.qemu"), "w") as log:
        process = subprocess.Popen(words, start_new_session=True, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT,
                                   env=dict(os.environ, TMPDIR=WORK))
    # A moment passes before it can be seen among the processes.
    while k not in running():
        if process.poll() is not None:
            raise Failure(f"node {k} does not start: see {path(f'node{k}.qemu')}")
        time.sleep(0.02)


def shared_disk(i):
    """A disk that every node writes to. The host's page cache is the storage, so nothing is
    flushed: what one node has written, the others read, also when its power is cut. Errors reach
    the node instead of stopping it."""
    image_path = path(f"disk{i}.img")
    return ["-blockdev", f"driver=file,node-name=file{i},filename={image_path},locking=off,"
                         "cache.no-flush=on",
            "-blockdev", f"driver=raw,node-name=disk{i},file=file{i},cache.no-flush=on",
            "-device", f"virtio-blk-pci,drive=disk{i},share-rw=on,serial=shared{i},"
                       "rerror=report,werror=report"]


def running():
    """The nodes that are on, by number, each with its process id."""
    found = {}
    for pid, words in processes(QEMU, path("node")):
        number = re.search(r"rig\.node=(\d+)", " ".join(words))
        if number:
            found[int(number[1])] = pid
    return dict(sorted(found.items()))


def power_off(k):
    """Cuts the power of node k, and returns when it is off."""
    if k not in running():
        raise Failure(f"node {k} is not running")
    end_processes([running()[k]])


def power_off_all():
    """Cuts the power of every node."""
    end_processes(running().values())


def end_processes(pids):
    """Kills processes, and returns when they are gone."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it went off by itself
    end = time.time() + 20
    while any(lives(pid) for pid in pids):
        if time.time() > end:
            raise Failure(f"processes {pids} do not end")
        time.sleep(0.05)


class Lines:
    """A peer that answers JSON lines on a unix socket: QEMU, or the guest's agent."""

    def __init__(self, name, seconds=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path(name))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self):
        line = self.file.readline()
        if not line:
            raise OSError("the other side closed the connection")
        return json.loads(line.lstrip(b"\xff"))

    def call(self, command, **arguments):
        self.send({"execute": command, "arguments": arguments})
        while True:
            answer = self.receive()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise OSError(f"{command}: {answer['error']['desc']}")


def qmp(k, command, **arguments):
    """Gives QEMU a command for node k."""
    if k not in running():
        raise Failure(f"node {k} is not running")
    with Lines(f"node{k}.qmp") as lines:
        lines.receive()
        lines.call("qmp_capabilities")
        return lines.call(command, **arguments)


def set_disk(k, i, failing):
    """Puts a layer that fails every request below disk i of node k, or takes it away."""
    layer = f"broken{i}"
    there = any(node["node-name"] == layer for node in qmp(k, "query-named-block-nodes", flat=True))
    if failing and not there:
        always = [{"event": "none", "iotype": kind, "errno": 5, "immediately": True}
                  for kind in ("read", "write", "flush")]
        qmp(k, "blockdev-add", driver="blkdebug", image=f"file{i}", cache={"no-flush": True},
            **{"node-name": layer, "inject-error": always})
    below = layer if failing else f"file{i}"
    qmp(k, "blockdev-reopen", options=[{"driver": "raw", "node-name": f"disk{i}", "file": below,
                                        "cache": {"no-flush": True}}])
    if there and not failing:
        qmp(k, "blockdev-del", **{"node-name": layer})

"""Commands on nodes, through the guest's agent."""
import base64
import concurrent.futures
import contextlib
import fcntl
import shlex
import time

from . import machine
from .common import Failure, path


@contextlib.contextmanager
def agent(k, seconds=30):
    """The agent of node k. It serves one at a time: nobody keeps it for longer than a call."""
    with open(path(f"node{k}.ga.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with machine.Lines(f"node{k}.ga", seconds) as lines:
            # Answers to others, who gave up, may come first.
            token = time.time_ns() & 0x7FFFFFFF
            lines.socket.sendall(b"\xff")
            lines.send({"execute": "guest-sync-delimited", "arguments": {"id": token}})
            while lines.receive().get("return") != token:
                pass
            yield lines


def call(k, command, **arguments):
    """A call of the agent; a node that is off, or goes off, is a failure that says so."""
    try:
        with agent(k) as lines:
            return lines.call(command, **arguments)
    except (OSError, ValueError) as error:
        if k not in machine.running():
            raise Failure(f"node {k} is not running") from error
        console = path(f"node{k}.log")
        raise Failure(f"node {k} does not answer: {error}; its console: {console}") from error


def await_ready(k, seconds=180):
    """Returns when node k answers."""
    end = time.time() + seconds
    while time.time() < end:
        if k not in machine.running():
            raise Failure(f"node {k} went off: see {path(f'node{k}.qemu')} and node{k}.log there")
        try:
            with agent(k, 2):
                return
        except (OSError, ValueError):
            time.sleep(0.1)
    raise Failure(f"node {k} did not answer in {seconds} s: see {path(f'node{k}.log')}")


def run(k, line, seconds=600):
    """Exit status and output, standard error with it, of a shell line on node k."""
    script = (f"exec 2>&1; export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C; "
              f"exec timeout -k 5 {seconds} bash -c {shlex.quote(line)}")
    pid = call(k, "guest-exec", path="/bin/bash", arg=["-c", script],
               **{"capture-output": True})["pid"]
    end, pause = time.time() + seconds + 30, 0.02
    while time.time() < end:
        state = call(k, "guest-exec-status", pid=pid)
        if state["exited"]:
            output = base64.b64decode(state.get("out-data", "")).decode("utf-8", "replace")
            return state.get("exitcode", 128 + state.get("signal", 0)), output
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
    raise Failure(f"node {k} did not end within {seconds} s (does it leave something running that "
                  f"still has its output?): {line}")


def run_on(nodes, line, seconds=600):
    """The same on several nodes at once: their results by node."""
    nodes = list(nodes)
    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(nodes, pool.map(lambda k: run(k, line, seconds), nodes)))

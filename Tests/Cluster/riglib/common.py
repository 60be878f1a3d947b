"""Where things are, and how commands are run."""
import os
import subprocess

WORK = os.environ.get("RIG_WORK") or os.path.expanduser("~/.cache/holdfast-rig")
HOST = os.environ.get("RIG_HOST") or os.getcwd()
MEMORY_MIB = int(os.environ.get("RIG_MEMORY") or 640)


class Failure(Exception):
    """What the rig cannot do, and why, for a person to read."""


def path(name):
    """A file of the nodes."""
    return os.path.join(WORK, name)


def shell(line):
    """Runs a shell line; what it prints matters only if it fails."""
    done = subprocess.run(["bash", "-c", "set -o pipefail; " + line], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failure(f"this ended with status {done.returncode}: {line}\n{done.stdout[-4000:]}")
    return done.stdout


def lives(pid):
    """Whether a process runs. One that has ended and that nobody waits for has no arguments."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return bool(file.read())
    except OSError:
        return False


def processes(program, argument):
    """Processes of a program that have a string in an argument: pairs of id and arguments."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().decode("utf-8", "replace").split("\0")
        except OSError:
            continue  # it has ended
        if os.path.basename(words[0]) == program and any(argument in word for word in words):
            found.append((int(pid), words))
    return found

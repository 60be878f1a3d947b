"""Kernel, initrd and root image, made once for each version of the recipe."""
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import time

from .common import WORK, Failure, path, shell

HERE = os.path.dirname(os.path.abspath(__file__))
HOST_PACKAGES = ["qemu-system-x86", "vde2", "mmdebstrap", "e2fsprogs", "cpio", "busybox-static",
                 "kmod"]
NODE_PACKAGES = ["lvm2", "lvm2-lockd", "dmsetup", "udev", "kmod", "iproute2", "procps",
                 "util-linux", "thin-provisioning-tools", "sanlock", "dlm-controld", "corosync",
                 "qemu-guest-agent", "libdlm3", "libdlmcontrol3", "libsanlock-client1",
                 "libstdc++6", "python3-minimal", "strace", "gdisk", "sg3-utils"]
# Loaded before the root disk is there.
EARLY_MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "virtio_net", "ext4",
                 "crc32c_generic", "crc32c-intel", "9p", "9pnet_virtio", "virtio_rng"]
ROOT_SIZE = "2200M"


def folder():
    """Where this recipe's image is, or will be."""
    recipe = hashlib.sha256()
    for name in ("image.py", "node-init", "initrd-init"):
        with open(os.path.join(HERE, name), "rb") as file:
            recipe.update(file.read())
    return path("image-" + recipe.hexdigest()[:12])


def file(name):
    """The path of a part of the image, which has to exist."""
    found = os.path.join(folder(), name)
    if not os.path.exists(found):
        raise Failure("there is no image of this version: run 'rig build' first")
    return found


def build():
    """Makes the image unless it exists, and removes those of other versions."""
    if os.geteuid() != 0:
        raise Failure("run this as root: the image holds root's files")
    os.makedirs(WORK, exist_ok=True)
    with open(path("build.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_missing()
        if os.path.exists(folder()):
            return print("rig: the image is up to date")
        started = time.time()
        for old in glob.glob(path("image-*")) + glob.glob(path("building")):
            shutil.rmtree(old)
        os.mkdir(path("building"))
        make(path("building"))
        os.rename(path("building"), folder())
        print(f"rig: image made in {time.time() - started:.0f} s")


def install_missing():
    missing = [p for p in HOST_PACKAGES
               if subprocess.run(["dpkg", "-s", p], capture_output=True).returncode]
    if missing:
        print(f"rig: installing {' '.join(missing)}", flush=True)
        shell("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "
              f"--no-install-recommends {' '.join(missing)}")


def make(into):
    kernel, root = f"{into}/kernel", f"{into}/root"
    os.mkdir(kernel)
    # What is known of the archive may be older than the archive.
    shell("apt-get update -qq")
    depends = shell("apt-cache depends linux-image-amd64")
    package = re.search(r"linux-image-\d\S*", depends)[0]
    shell(f"cd {kernel} && apt-get download -qq -o APT::Sandbox::User=root {package} && "
          f"dpkg -x {package}*.deb . && rm *.deb")
    version = os.listdir(f"{kernel}/lib/modules")[0]
    shutil.copy(f"{kernel}/boot/vmlinuz-{version}", f"{into}/vmlinuz")
    shell(f"depmod -b {kernel} {version}")
    make_initrd(kernel, version, into)

    shell("mmdebstrap --quiet --variant=minbase "
          "--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' "
          "--dpkgopt='path-exclude=/usr/share/locale/*' "
          f"--include={','.join(NODE_PACKAGES)} bookworm {root}")
    shell(f"cp -a {kernel}/lib/modules {root}/lib/")
    shutil.copy(f"{HERE}/node-init", f"{root}/sbin/node-init")
    # Every node locks through a daemon, and talks to nothing that does not run there.
    for setting in ("use_lvmlockd = 1", "notify_dbus = 0", "event_activation = 0",
                    "use_lvmpolld = 0", "monitoring = 0"):
        name = setting.split()[0]
        shell(f"sed -i 's/# {name} = .*/{setting}/' {root}/etc/lvm/lvm.conf")
    shell(f"mke2fs -q -t ext4 -O ^has_journal -m 0 -d {root} {into}/root.img {ROOT_SIZE}")
    shutil.rmtree(root)
    shutil.rmtree(kernel)


def make_initrd(kernel, version, into):
    """Busybox, the early modules in the order in which they load, and what runs them."""
    top = f"{into}/initrd"
    for sub in ("bin", "proc", "sys", "dev", "root", "m"):
        os.makedirs(f"{top}/{sub}")
    shutil.copy("/bin/busybox", f"{top}/bin/busybox")
    for tool in ("sh", "mount", "insmod", "sleep", "switch_root", "poweroff", "echo", "grep"):
        os.symlink("busybox", f"{top}/bin/{tool}")
    order = []
    for module in EARLY_MODULES:
        plan = subprocess.run(["modprobe", "-d", kernel, "-S", version, "--show-depends", module],
                              capture_output=True, text=True)
        order += [line.split()[1] for line in plan.stdout.splitlines() if line.startswith("insmod")]
    order = list(dict.fromkeys(order))
    for module in order:
        shutil.copy(module, f"{top}/m/")
    with open(f"{top}/modules.order", "w") as listing:
        listing.writelines(f"/m/{os.path.basename(module)}\n" for module in order)
    shutil.copy(f"{HERE}/initrd-init", f"{top}/init")
    shell(f"cd {top} && find . | cpio -o -H newc --quiet | gzip -1 >{into}/initrd.gz")
    shutil.rmtree(top)

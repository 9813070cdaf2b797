"""What the machine itself must have: commands, and the Debian packages that bring them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.cluster.progress import locked, step

# command (or file) → Debian package
CONTROL_PLANE_NEEDS = {"openssl": "openssl"}
NODE_NEEDS = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "nft": "nftables",
    "ip": "iproute2",
    "nsenter": "util-linux",
}
IMAGE_NEEDS = {"buildah": "buildah", "debootstrap": "debootstrap"}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # sbin is not on every PATH


def find(command: str) -> str | None:
    """The command's path, also when it lies in a sbin folder that PATH leaves out."""
    if command.startswith("/"):
        return command if Path(command).exists() else None
    return shutil.which(command) or shutil.which(command, path=SYSTEM_PATH)


def require(needs: dict[str, str]) -> None:
    """Install the packages of the commands that are missing; say so, and how, when that is not possible."""
    if not (packages := _missing(needs)):
        return
    with locked("apt"):
        if packages := _missing(needs):
            _install(packages)


def _missing(needs: dict[str, str]) -> list[str]:
    return sorted({package for command, package in needs.items() if not find(command)})


def _install(packages: list[str]) -> None:
    wanted = " ".join(packages)
    if not find("apt-get") or os.geteuid() != 0:
        sys.exit(f"please install: {wanted} (done by itself only on Debian, as root)")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    with step(f"installing Debian packages: {wanted}"):
        subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)  # type: ignore[call-overload]
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        subprocess.run(install, check=True, **quiet)  # type: ignore[call-overload]

"""The control group that holds a native cluster's pods, on cgroup v1 and v2: made and removed by node.py."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from tools.cluster import daemons

MOUNT = Path("/sys/fs/cgroup")


def make(name: str) -> None:
    """The kubelet wants its root group to exist in every hierarchy."""
    if _unified():
        _delegate()
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
        if hierarchy.name == "cpuset":  # on v1 a cpuset starts empty, and no process fits into it
            for file in ("cpuset.cpus", "cpuset.mems"):
                shutil.copyfile(hierarchy / file, hierarchy / name / file)


def remove(name: str) -> None:
    """Kill whatever still runs in the group, then remove it."""
    groups = [hierarchy / name for hierarchy in _hierarchies() if (hierarchy / name).is_dir()]
    pids = {int(pid) for group in groups for file in group.rglob("cgroup.procs") for pid in file.read_text().split()}
    daemons.end(sorted(pids), 0)
    for group in groups:
        for folder in sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True):
            folder.rmdir()
        group.rmdir()


def _unified() -> bool:
    return (MOUNT / "cgroup.controllers").exists()


def _hierarchies() -> list[Path]:
    """The one hierarchy of v2, or v1's many (cpu and cpuacct may be two names of one)."""
    if _unified():
        return [MOUNT]
    return [path for path in sorted(MOUNT.iterdir()) if path.is_dir() and not path.is_symlink()]


def _delegate() -> None:
    """v2: hand all controllers down; in a container the root group has processes, which forbids that: move them."""
    wanted = " ".join(f"+{name}" for name in (MOUNT / "cgroup.controllers").read_text().split())
    try:
        (MOUNT / "cgroup.subtree_control").write_text(wanted)
    except OSError:
        (MOUNT / "init").mkdir(exist_ok=True)
        for pid in (MOUNT / "cgroup.procs").read_text().split():
            with suppress(OSError):  # kernel threads stay where they are
                (MOUNT / "init" / "cgroup.procs").write_text(pid)
        (MOUNT / "cgroup.subtree_control").write_text(wanted)

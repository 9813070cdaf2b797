"""Where one native cluster keeps its files, and which addresses and ports it has: pure values, all derived.

A cluster has a slot, a small number that no other living cluster of this user has; ports and subnets follow
from it, so that clusters stand side by side.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.cluster import daemons
from tools.cluster.paths import CLUSTERS
from tools.cluster.progress import locked

BASE_PORT = 21000  # below the ephemeral range, so that no outgoing connection takes one of ours
PORTS_PER_SLOT = 4
SLOTS = 200
POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"  # the first of SERVICE_CIDR is always the API's
NODE_NAME = "node"


@dataclass(frozen=True)
class Layout:
    """One native cluster on this machine."""

    name: str
    slot: int
    node: bool
    owner: str  # "pid start-time" of the process that takes the cluster with it; "" = it stays

    @property
    def state(self) -> Path:
        """The cluster's folder."""
        return CLUSTERS / self.name

    @property
    def address(self) -> str:
        """Where the API server listens: pods must reach it, so with a node it is the namespace's address."""
        return f"10.213.{self.slot}.2" if self.node else "127.0.0.1"

    @property
    def gateway(self) -> str:
        """The host's end of the cable into the namespace."""
        return f"10.213.{self.slot}.1"

    @property
    def namespace(self) -> str:
        """The network namespace of a cluster with a node."""
        return f"agentschedule-{self.name}"

    @property
    def host_link(self) -> str:
        """The host's network interface towards the namespace (at most 15 characters)."""
        return f"agents{self.slot}"

    @property
    def cgroup(self) -> str:
        """The control group that holds all pods of the cluster."""
        return f"agentschedule-{self.name}"

    @property
    def socket(self) -> Path:
        """containerd's socket."""
        return self.state / "containerd.sock"

    def port(self, offset: int) -> int:
        """One of the cluster's own ports: 0 API server, 1 etcd, 2 etcd's peers."""
        return BASE_PORT + self.slot * PORTS_PER_SLOT + offset

    @property
    def server(self) -> str:
        """The API server's address for clients."""
        return f"https://{self.address}:{self.port(0)}"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of one user or component."""
        return self.state / f"{user}.kubeconfig"


def claim(name: str, node: bool, stays: bool) -> Layout:
    """Make the cluster's folder and take the first free slot for it."""
    with locked("slots"):
        taken = {layout.slot for layout in all_layouts()}
        slot = next(slot for slot in range(SLOTS) if slot not in taken and _ports_free(slot))
        owner = "" if stays else f"{os.getpid()} {daemons.start_time(os.getpid())}"
        layout = Layout(name, slot, node, owner)
        layout.state.mkdir(parents=True, mode=0o700)
        partial = layout.state / "cluster.partial"
        partial.write_text(json.dumps(asdict(layout)))
        partial.rename(layout.state / "cluster.json")  # whoever looks sees all of it or nothing
    return layout


def find(name: str) -> Layout | None:
    """The cluster of this name, if its folder exists; it may be dead."""
    try:
        return Layout(**json.loads((CLUSTERS / name / "cluster.json").read_text()))
    except FileNotFoundError:
        return None


def all_layouts() -> list[Layout]:
    """Every native cluster of this user, dead or alive."""
    names = [file.parent.name for file in CLUSTERS.glob("*/cluster.json")]
    return [layout for name in sorted(names) if (layout := find(name))]


def is_orphan(layout: Layout) -> bool:
    """Whether the process that should have removed the cluster is gone."""
    if not layout.owner:
        return False
    pid, started = layout.owner.split()
    return daemons.start_time(int(pid)) != started


def _ports_free(slot: int) -> bool:
    for port in range(BASE_PORT + slot * PORTS_PER_SLOT, BASE_PORT + (slot + 1) * PORTS_PER_SLOT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True

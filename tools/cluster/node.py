"""The node of a native cluster: network namespace, containerd, scheduler, kubelet, kube-proxy.

All of it lives in one network namespace with a cable to the host, so that bridge, firewall rules and pod
addresses never touch the host's network and vanish with the namespace.
"""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path

from tools.cluster import cgroups, daemons, images, nodeconfig
from tools.cluster.base import Cluster
from tools.cluster.binaries import path
from tools.cluster.controlplane import tail
from tools.cluster.host import find
from tools.cluster.layout import NODE_NAME, Layout

READY_TIMEOUT = 120.0  # seconds; 3 are usual


def enter(layout: Layout) -> list[str]:
    """Command prefix into the namespace; `ip netns exec` would hide /sys/fs/cgroup from the kubelet."""
    return [find("nsenter") or "nsenter", f"--net=/run/netns/{layout.namespace}"]


def make_network(layout: Layout) -> None:
    """Namespace, cable, addresses; forwarding is switched on inside it only."""
    inside = ["-n", layout.namespace]
    _ip("netns", "add", layout.namespace)
    _ip("link", "add", layout.host_link, "type", "veth", "peer", "name", "eth0", "netns", layout.namespace)
    _ip("addr", "add", f"{layout.gateway}/24", "dev", layout.host_link)
    _ip("link", "set", layout.host_link, "up")
    _ip(*inside, "link", "set", "lo", "up")
    _ip(*inside, "addr", "add", f"{layout.address}/24", "dev", "eth0")
    _ip(*inside, "link", "set", "eth0", "up")
    # nothing answers there, but without a route out of the namespace no address resolves
    _ip(*inside, "route", "add", "default", "via", layout.gateway)
    _run(*enter(layout), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def start_containerd(layout: Layout) -> None:
    """Start containerd on folders and a socket of its own; images in memory load and vanish much faster."""
    nodeconfig.write(layout)
    store = layout.state / "containerd"
    store.mkdir()
    _run("mount", "-t", "tmpfs", "-o", "mode=0711", layout.namespace, str(store))
    config = str(layout.state / "containerd.toml")
    daemons.start("containerd", layout.state, [*enter(layout), find("containerd") or "", "--config", config])


def start_kubernetes(layout: Layout) -> None:
    """Start what a node adds to a control plane."""
    cgroups.make(layout.cgroup)
    if not daemons.wait_until(lambda: _ctr(layout, "version").returncode == 0, 20):
        raise RuntimeError(f"no containerd\n{tail(layout, 'containerd')}")
    load_image(layout, images.pause_archive())
    for name, options in _components(layout).items():
        daemons.start(name, layout.state, [*enter(layout), str(path(name)), *options])


def wait_ready(cluster: Cluster, layout: Layout) -> None:
    """Return when the node is Ready and takes pods."""
    ready = "{.status.conditions[?(@.type=='Ready')].status}{.spec.taints}"
    ask = ("get", "node", NODE_NAME, "--ignore-not-found", "-o", f"jsonpath={ready}")
    if not daemons.wait_until(lambda: cluster.kubectl(*ask) == "True", READY_TIMEOUT, 0.2):
        raise RuntimeError(f"the node is not ready\n{tail(layout, 'kubelet')}")
    # a pod that starts before kube-proxy finds no API
    if not daemons.wait_until(lambda: _answers(f"http://{layout.address}:10256/healthz"), READY_TIMEOUT, 0.2):
        raise RuntimeError(f"kube-proxy is not ready\n{tail(layout, 'kube-proxy')}")


def load_image(layout: Layout, archive: Path) -> None:
    """Import an image archive for the kubelet."""
    done = _ctr(layout, "-n", "k8s.io", "images", "import", str(archive))
    if done.returncode:
        raise RuntimeError(f"importing {archive}: {done.stderr}")


def clear(layout: Layout) -> None:
    """Remove what the ended processes left: pods, shims, mounts, namespace, cable, traces in shared folders."""
    daemons.end(list(daemons.with_argument(str(layout.socket))), 0)  # the shims, else they would clean up slowly
    cgroups.remove(layout.cgroup)
    _unmount(layout.state)
    if Path(f"/run/netns/{layout.namespace}").exists():
        _ip("netns", "delete", layout.namespace)  # takes its end of the cable along, and that the other
    _ip("link", "delete", layout.host_link, check=False)
    _remove_traces(layout)


def _components(layout: Layout) -> dict[str, list[str]]:
    return {
        "kube-scheduler": [
            f"--kubeconfig={layout.kubeconfig('kube-scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        "kubelet": [
            f"--kubeconfig={layout.kubeconfig('kubelet')}",
            f"--config={layout.state / 'kubelet.json'}",
            f"--root-dir={layout.state / 'kubelet'}",
            f"--cert-dir={layout.state / 'pki'}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={layout.address}",
        ],
        "kube-proxy": [f"--config={layout.state / 'kube-proxy.json'}", f"--hostname-override={NODE_NAME}"],
    }


def _unmount(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{folder}/")]):
        _run("umount", "-l", mount)


def _remove_traces(layout: Layout) -> None:
    """Files outside the cluster's folder that containerd, its CNI plugins and the kubelet put there unasked."""
    for bundle in (layout.state / "containerd-state/io.containerd.runtime.v2.task/k8s.io").glob("*"):
        if (address := bundle / "address").exists():
            Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)
        for result in Path("/var/lib/cni/results").glob(f"*-{bundle.name}-*"):
            result.unlink()
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(layout.state):
            link.unlink()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _ctr(layout: Layout, *args: str) -> subprocess.CompletedProcess[str]:
    command = [find("ctr") or "ctr", "-a", str(layout.socket), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _ip(*args: str, check: bool = True) -> None:
    _run(find("ip") or "ip", *args, check=check)


def _run(*command: str, check: bool = True) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")

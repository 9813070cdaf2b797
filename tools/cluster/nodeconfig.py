"""Configuration files of containerd, CNI, kubelet and kube-proxy: values only, written by node.py."""

from __future__ import annotations

import json
from typing import Any

from tools.cluster.images import PAUSE_REFERENCE
from tools.cluster.layout import POD_CIDR, Layout

CNI_PLUGINS = "/usr/lib/cni"  # where Debian puts them


def write(layout: Layout) -> None:
    """Write all files into the cluster's folder."""
    state = layout.state
    (state / "cni").mkdir()
    (state / "cni" / "pods.conflist").write_text(json.dumps(_cni(layout)))
    (state / "containerd.toml").write_text(_containerd(layout))
    (state / "kubelet.json").write_text(json.dumps(_kubelet(layout)))
    (state / "kube-proxy.json").write_text(json.dumps(_kube_proxy(layout)))
    (state / "resolv.conf").write_text("nameserver 127.0.0.1\n")


def _containerd(layout: Layout) -> str:
    state = layout.state
    return f"""\
version = 2
root = "{state}/containerd"
state = "{state}/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
                    "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "{layout.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_REFERENCE}"
  restrict_oom_score_adj = true   # without CAP_SYS_RESOURCE runc could not lower it, and fails
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{state}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "{state}/runc"
"""


def _cni(layout: Layout) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(layout.state / "cni-addresses"),
            "ranges": [[{"subnet": POD_CIDR}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    return {"cniVersion": "1.0.0", "name": layout.namespace, "plugins": [bridge]}


def _kubelet(layout: Layout) -> dict[str, Any]:
    state = layout.state
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{layout.socket}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(state / "pki" / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,  # lower ones need CAP_SYS_RESOURCE
        "makeIPTablesUtilChains": False,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,  # the images came from files and cannot be pulled again
        "maxPods": 250,
        "podLogsDir": str(state / "pod-logs"),
        "volumePluginDir": str(state / "volume-plugins"),
        # no DNS in this cluster: an address that refuses at once, so that no look-up hangs
        "clusterDNS": ["127.0.0.1"],
        "resolvConf": str(state / "resolv.conf"),
    }


def _kube_proxy(layout: Layout) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig("kube-proxy"))},
        "mode": "nftables",
        "clusterCIDR": POD_CIDR,
        "conntrack": {"maxPerCore": 0, "min": 0},  # those settings belong to the host
        "oomScoreAdj": 0,
    }

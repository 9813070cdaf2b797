"""etcd, API server and controller-manager as processes: the half of a native cluster that needs no node."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request

import yaml

from tools.cluster import daemons
from tools.cluster.binaries import path
from tools.cluster.layout import POD_CIDR, SERVICE_CIDR, Layout
from tools.cluster.paths import OPERATOR_NAMESPACE

READY_TIMEOUT = 120.0  # seconds; 4 are usual, four at once on two cores need more

# Without a node there are no pods, volumes, Services or nodes to look after; eight idle clusters share two cores.
CONTROLLERS_WITHOUT_A_NODE = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "pod-garbage-collector-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
)

# Who wrote what, for the tests that hold the operator to its budget; and what the operator read, for those that hold it
# to its rights.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "userGroups": [f"system:serviceaccounts:{OPERATOR_NAMESPACE}"]},
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "Metadata"},
    ],
}


def start_api(layout: Layout, prefix: list[str]) -> None:
    """Start etcd and the API server; `prefix` puts them into the node's network namespace."""
    (layout.state / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY))
    daemons.start("etcd", layout.state, [*prefix, *_etcd(layout)])
    daemons.start("kube-apiserver", layout.state, [*prefix, *_apiserver(layout)])


def wait_ready(layout: Layout) -> None:
    """Return when /readyz says 200: before the RBAC bootstrap the other parts would give up."""
    if not daemons.wait_until(lambda: _ready(layout), READY_TIMEOUT):
        raise RuntimeError(f"the API server is not ready\n{tail(layout, 'kube-apiserver')}")


def start_controller_manager(layout: Layout, prefix: list[str]) -> None:
    """Start it with the same flags each time."""
    daemons.start("kube-controller-manager", layout.state, [*prefix, *_controller_manager(layout)])


def tail(layout: Layout, name: str) -> str:
    """The end of a component's log, for an error message."""
    log = layout.state / "log" / f"{name}.log"
    return f"{log}:\n{log.read_text(errors='replace')[-3000:]}" if log.exists() else f"no {log}"


def _ready(layout: Layout) -> bool:
    for name in ("etcd", "kube-apiserver"):
        if not daemons.is_running(name, layout.state):
            raise RuntimeError(f"{name} ended\n{tail(layout, name)}")
    config = yaml.safe_load(layout.kubeconfig("admin").read_text())
    token = config["users"][0]["user"]["token"]
    request = urllib.request.Request(f"{layout.server}/readyz", headers={"Authorization": f"Bearer {token}"})
    trust = ssl.create_default_context(cafile=str(layout.state / "pki" / "ca.crt"))
    try:
        with urllib.request.urlopen(request, context=trust, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _etcd(layout: Layout) -> list[str]:
    client, peer = (f"http://127.0.0.1:{layout.port(offset)}" for offset in (1, 2))
    return [
        str(path("etcd")),
        f"--data-dir={layout.state / 'etcd'}",
        "--unsafe-no-fsync",  # the data dies with the cluster anyway
        "--heartbeat-interval=500",  # nobody listens: it has no peers
        "--election-timeout=5000",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]


def _apiserver(layout: Layout) -> list[str]:
    pki = layout.state / "pki"
    # without a node no pod needs the Service `kubernetes`, and loopback is no valid endpoint for it
    endpoints = [] if layout.node else ["--endpoint-reconciler-type=none"]
    return [
        str(path("kube-apiserver")),
        f"--etcd-servers=http://127.0.0.1:{layout.port(1)}",
        f"--bind-address={layout.address}",
        f"--advertise-address={layout.address}",
        f"--secure-port={layout.port(0)}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--token-auth-file={layout.state / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-account-issuer=https://{layout.name}.agentschedule.test",
        f"--service-account-key-file={pki / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        "--kubelet-preferred-address-types=InternalIP",  # else `kubectl logs` looks the node's name up
        "--allow-privileged",
        f"--audit-policy-file={layout.state / 'audit-policy.json'}",
        f"--audit-log-path={layout.state / 'audit.log'}",
        *endpoints,
    ]


def _controller_manager(layout: Layout) -> list[str]:
    pki = layout.state / "pki"
    controllers = ["*"] if layout.node else CONTROLLERS_WITHOUT_A_NODE
    return [
        str(path("kube-controller-manager")),
        f"--controllers={','.join(controllers)}",
        f"--kubeconfig={layout.kubeconfig('kube-controller-manager')}",
        "--use-service-account-credentials",
        "--leader-elect=false",  # else a restart waits for the old lease to end
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'service-accounts.key'}",
        f"--cluster-cidr={POD_CIDR}",
        "--secure-port=0",
    ]

"""Keys, certificates, tokens and kubeconfigs of a native cluster: made by native.py, gone with its folder."""

from __future__ import annotations

import base64
import secrets
import subprocess
from pathlib import Path

import yaml

from tools.cluster.host import find
from tools.cluster.layout import API_SERVICE_ADDRESS, NODE_NAME, Layout

# kubeconfig → (user, group) as the RBAC bootstrap and the Node authorizer expect them
USERS = {
    "admin": ("admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
}


def make(layout: Layout) -> None:
    """Write everything the parts of the cluster need to trust each other."""
    pki = layout.state / "pki"
    pki.mkdir()
    authority = "-addext keyUsage=critical,keyCertSign,cRLSign -addext basicConstraints=critical,CA:TRUE"
    _certificate(pki, "ca", "/CN=agentschedule-test", *authority.split())
    issued = ["-CA", str(pki / "ca.crt"), "-CAkey", str(pki / "ca.key"), "-addext", "basicConstraints=CA:FALSE"]
    names = f"IP:{layout.address},IP:127.0.0.1,IP:{API_SERVICE_ADDRESS}"
    names += ",DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    serving = ["-addext", f"subjectAltName={names}"]
    _certificate(pki, "apiserver", "/CN=kube-apiserver", *issued, *serving)
    # the API server's own identity towards the kubelet: logs, exec
    client = ["-addext", "extendedKeyUsage=clientAuth"]
    _certificate(pki, "kubelet-client", "/O=system:masters/CN=kube-apiserver", *issued, *client)
    _openssl("genpkey", *_EC_KEY, "-out", str(pki / "service-accounts.key"))
    accounts = str(pki / "service-accounts")
    _openssl("pkey", "-in", f"{accounts}.key", "-pubout", "-out", f"{accounts}.pub")
    _tokens(layout, pki / "ca.crt")


_EC_KEY = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def _certificate(pki: Path, name: str, subject: str, *options: str) -> None:
    _openssl("genpkey", *_EC_KEY, "-out", str(pki / f"{name}.key"))
    key, out = str(pki / f"{name}.key"), str(pki / f"{name}.crt")
    config = "[req]\ndistinguished_name=dn\n[dn]\n"  # none of the machine's own defaults
    command = ["req", "-x509", "-config", "/dev/stdin", "-new", "-days", "30", "-key", key, "-out", out]
    extensions = ["-addext", "subjectKeyIdentifier=hash", "-addext", "authorityKeyIdentifier=keyid"]
    _openssl(*command, "-subj", subject, *extensions, *options, stdin=config)


def _openssl(*args: str, stdin: str = "") -> None:
    command = [find("openssl") or "openssl", *args]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {args[0]}: {done.stderr}")


def _tokens(layout: Layout, authority: Path) -> None:
    """One static token a user: enough for a cluster that nobody outside this machine reaches."""
    lines = []
    for file, (user, group) in USERS.items():
        token = secrets.token_hex(16)
        lines.append(f'{token},{user},{file},"{group}"\n')
        _write_secret(layout.kubeconfig(file), yaml.safe_dump(_kubeconfig(layout, authority, token)))
    _write_secret(layout.state / "tokens.csv", "".join(lines))


def _write_secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _kubeconfig(layout: Layout, authority: Path, token: str) -> dict[str, object]:
    data = base64.b64encode(authority.read_bytes()).decode()
    name = f"agentschedule-{layout.name}"
    cluster = {"server": layout.server, "certificate-authority-data": data}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "user"}}],
    }

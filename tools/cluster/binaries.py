"""Kubernetes, etcd, Helm and kind as programs, built from the Go module proxy and cached by version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.paths import CACHE, GO_MODULES, bin_dir, pinned_version, version
from tools.cluster.progress import locked, step


@dataclass(frozen=True)
class Program:
    """One Go program: the module folder that pins it, its package, and its build time on two cores."""

    module: str
    package: str
    cold: str

    @property
    def flags(self) -> str:
        """Linker flags: without a version Helm and clients of the API server see v0.0.0."""
        if self.module == "kubernetes":
            return _kubernetes_flags(version("kubernetes"))
        if self.module == "helm":
            return f"-s -w -X helm.sh/helm/v3/internal/version.version={version('helm')}"
        return "-s -w"


def _kubernetes_flags(tag: str) -> str:
    major, minor = tag.removeprefix("v").split(".")[:2]
    at = "-X k8s.io/component-base/version."
    return f"-s -w {at}gitVersion={tag} {at}gitMajor={major} {at}gitMinor={minor} {at}gitTreeState=clean"


PROGRAMS = {
    "kube-apiserver": Program("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", "4 min"),
    "kube-controller-manager": Program("kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", "1 min"),
    "kube-scheduler": Program("kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", "10 s"),
    "kubelet": Program("kubernetes", "k8s.io/kubernetes/cmd/kubelet", "20 s"),
    "kube-proxy": Program("kubernetes", "k8s.io/kubernetes/cmd/kube-proxy", "15 s"),
    "kubectl": Program("kubernetes", "k8s.io/kubernetes/cmd/kubectl", "20 s"),
    "etcd": Program("etcd", "go.etcd.io/etcd/server/v3", "40 s"),
    "helm": Program("helm", "helm.sh/helm/v3/cmd/helm", "75 s"),
    "kind": Program("kind", "sigs.k8s.io/kind", "10 s"),
    "pause": Program("pause", ".", "1 s"),
}
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
NODE = ("kube-scheduler", "kubelet", "kube-proxy", "pause")


def path(name: str) -> Path:
    """Where the program is, or will be once `ensure` has built it."""
    return bin_dir(PROGRAMS[name].module) / name


def ensure(*names: str) -> None:
    """Build the programs that the cache does not hold."""
    for name in names:
        if not path(name).exists():
            with locked(f"build-{PROGRAMS[name].module}"):
                _build(name)


def on_path_or_built(name: str) -> str:
    """The user's own program where there is one, else ours: for clusters that are not ours to version."""
    if found := shutil.which(name):
        return found
    ensure(name)
    return str(path(name))


def _build(name: str) -> None:
    target, program = path(name), PROGRAMS[name]
    if target.exists():
        return
    _check_go()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    command = ["go", "build", "-trimpath", "-ldflags", program.flags, "-o", str(partial), program.package]
    with step(f"building {name} {version(program.module)} (about {program.cold} cold)"):
        _go(command, _module_dir(program.module))
        partial.rename(target)


def _go(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "CGO_ENABLED": "0"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:2])} in {folder} failed:\n{done.stderr[-4000:]}")


def _check_go() -> None:
    if not shutil.which("go"):
        sys.exit("Go 1.21 or newer is needed to build the test cluster: https://go.dev/dl/")
    found = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    if (number := re.match(r"go1\.(\d+)", found)) and int(number[1]) < 21:
        sys.exit(f"{found.strip()} cannot read the test cluster's go.mod files: Go 1.21 or newer is needed")


def _module_dir(module: str) -> Path:
    """The module's folder; for another Kubernetes than the pinned one, a copy with its versions changed."""
    pinned = GO_MODULES / module
    if module != "kubernetes" or version(module) == pinned_version(module):
        return pinned
    old, new = pinned_version(module), version(module)
    copy = CACHE / "go" / f"kubernetes-{new}"
    if not (copy / "go.sum").exists():
        copy.mkdir(parents=True, exist_ok=True)
        text = (pinned / "go.mod").read_text().replace(old, new)
        # the staging modules are published as v0.MINOR.PATCH
        (copy / "go.mod").write_text(text.replace(old.replace("v1.", "v0."), new.replace("v1.", "v0.")))
        with step(f"resolving the modules of Kubernetes {new}"):
            _go(["go", "mod", "tidy"], copy)
    return copy

"""The one interface over every kind of test cluster; tests, demo and command line use nothing else."""

from __future__ import annotations

import json
import subprocess
import unittest
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import yaml

from tools.cluster import daemons

CONTROLLERS_TIMEOUT = 120.0  # seconds; under one is usual


class Cluster(ABC):
    """A Kubernetes cluster that can be started, asked, and removed."""

    provider: str
    name: str
    node: bool  # whether pods run on it
    audit_log: Path | None = None  # the API server's log of writes, where we may configure it
    kubectl_path: str = "kubectl"

    @property
    @abstractmethod
    def kubeconfig(self) -> Path:
        """Admin access; the file exists once the cluster is up."""

    @abstractmethod
    def up(self) -> None:
        """Start the cluster and return when it is ready; clears away what an earlier one of this name left."""

    @abstractmethod
    def down(self) -> None:
        """Remove the cluster and all it made; nothing to remove is fine."""

    @abstractmethod
    def load_image(self, archive: Path) -> None:
        """Give the node an image from an archive file (docker or OCI format)."""

    @abstractmethod
    def stop_controller_manager(self) -> None:
        """Stop the CronJob, Job and garbage collection controllers; the API goes on."""

    @abstractmethod
    def start_controller_manager(self) -> None:
        """Start them again as they were; returns when they run."""

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl as admin and return its output; a failure raises with what kubectl said."""
        command = [self.kubectl_path, f"--kubeconfig={self.kubeconfig}", *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise KubectlError(args, done.stderr or done.stdout)
        return done.stdout if check else done.stdout + done.stderr

    def get(self, *args: str) -> dict[str, Any]:
        """`kubectl get … -o json`, parsed."""
        result: dict[str, Any] = json.loads(self.kubectl("get", *args, "-o", "json"))
        return result

    def apply(self, *objects: dict[str, Any]) -> str:
        """`kubectl apply` of objects given as data."""
        return self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def wait_for_controllers(self) -> None:
        """Return when the controller-manager works: it puts back a ServiceAccount that nobody uses."""
        account = ["serviceaccount", "default", "-n", "kube-node-lease"]
        self.kubectl("delete", *account, "--ignore-not-found")
        for name in (account, ["serviceaccount", "default", "-n", "default"]):
            found = ("get", *name, "--ignore-not-found", "-o", "name")
            if not daemons.wait_until(lambda: bool(self.kubectl(*found)), CONTROLLERS_TIMEOUT, 0.1):  # noqa: B023
                raise RuntimeError(f"no controller-manager at work in cluster {self.name}")

    def service_account_kubeconfig(self, namespace: str, account: str, target: Path) -> Path:
        """Access for a process outside the cluster with exactly the rights of a ServiceAccount inside it."""
        token = self.kubectl("create", "token", account, "-n", namespace, "--duration=24h").strip()
        config = yaml.safe_load(self.kubeconfig.read_text())
        context = next(c for c in config["contexts"] if c["name"] == config["current-context"])
        context["context"] = {"cluster": context["context"]["cluster"], "user": account, "namespace": namespace}
        config.update(contexts=[context], users=[{"name": account, "user": {"token": token}}])
        target.touch(mode=0o600)
        target.write_text(yaml.safe_dump(config))
        return target


class NotPossibleError(unittest.SkipTest):
    """This cluster cannot do what is asked; as a SkipTest it makes pytest skip the test with the reason."""


class KubectlError(RuntimeError):
    """kubectl refused: `message` is what it said, for tests that judge the sentence."""

    def __init__(self, args: tuple[str, ...], message: str) -> None:
        """Keep the words apart from the command."""
        super().__init__(f"kubectl {' '.join(args)}: {message.strip()}")
        self.message = message.strip()

"""`make check`: Helm's own lint, and a look at what the chart renders; needs no cluster."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import yaml

from tools.cluster import binaries
from tools.cluster.chart import CHART, OPERATOR_NAMESPACE, RELEASE
from tools.cluster.paths import pinned_version

# every switch of the chart in both positions
VALUES = (
    (),
    ("scheduledTimePolicy.enabled=true", "crds.keep=false"),
    ("scheduledTimePolicy.enabled=false", "crds.install=false", "rbac.aggregate=false"),
    ("serviceAccount.create=false", "serviceAccount.name=mine", "nameOverride=other"),
    ("watchNamespaces={a,b}", "replicas=0", "networkPolicy.enabled=false", "assist=false"),
    ("policy.requirePodRights=true", f"image.digest=sha256:{'0' * 64}"),
    ("policy.restrictOperator=false", "policy.closedNamespaces=null"),
)
# a helm built from its module believes in some old Kubernetes unless told
_FOR = ("--kube-version", pinned_version("kubernetes"))
_APIS = ("--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy")
Object = dict[str, Any]


def main() -> int:
    """Print what is wrong, if anything; returns the exit code."""
    helm = binaries.on_path_or_built("helm")
    lint_chart = [helm, "lint", "--strict", "--quiet", *_FOR, str(CHART)]
    lint = subprocess.run(lint_chart, capture_output=True, text=True, check=False)
    faults = [lint.stdout + lint.stderr] if lint.returncode else []
    for values in VALUES:
        faults += [f"with {', '.join(values) or 'defaults'}: {fault}" for fault in _faults(_render(helm, values))]
    print("\n".join(faults) or f"chart: {len(VALUES)} renderings are sound")
    return 1 if faults else 0


def _render(helm: str, values: tuple[str, ...]) -> list[Object]:
    options = [word for value in values for word in ("--set", value)]
    command = [helm, "template", RELEASE, str(CHART), "--namespace", OPERATOR_NAMESPACE, *_FOR, *_APIS, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"helm template {' '.join(values)}: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def _faults(objects: list[Object]) -> list[str]:
    """Slips of templates that Helm lets through and the API server would refuse, or worse, accept."""
    incomplete = [str(o)[:80] for o in objects if not (o.get("apiVersion") and o.get("kind") and _name(o)[1])]
    places = Counter((*_name(o), o.get("metadata", {}).get("namespace", "")) for o in objects)
    doubles = [f"{kind}/{name} twice" for (kind, name, _), n in places.items() if n > 1]
    return [f"no apiVersion, kind or name: {text}" for text in incomplete] + doubles + _dangling(objects)


def _dangling(objects: list[Object]) -> list[str]:
    """Bindings to roles that are not there, and selectors that do not select their own pods."""
    present = set(map(_name, objects))
    faults = []
    for item in objects:
        role = item.get("roleRef", {})
        if role and (role["kind"], role["name"]) not in present:
            faults.append(f"{item['kind']} refers to {role['kind']}/{role['name']}, which is not rendered")
        if item["kind"] == "Deployment":
            labels = item["spec"]["template"]["metadata"]["labels"]
            if not item["spec"]["selector"]["matchLabels"].items() <= labels.items():
                faults.append(f"Deployment/{_name(item)[1]} does not select its own pods")
    return faults


def _name(item: Object) -> tuple[str, str]:
    return str(item.get("kind")), str(item.get("metadata", {}).get("name", ""))


if __name__ == "__main__":
    sys.exit(main())

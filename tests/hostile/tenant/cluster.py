"""A control plane of the attacks' own, with the chart's roles and policies, and the accounts that live there.

Of its own, for what is stored here is to be read by no other test's operator.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from agentschedule import names
from tests.hostile.tenant.accounts import MERGE, RUNS, Account, Body, Who, create
from tools.cluster import chart
from tools.cluster.base import Cluster
from tools.cluster.daemons import wait_until

OPERATOR = "agentschedule"  # its ServiceAccount
TENANT, NEIGHBOUR = "mine", "theirs"
EDIT = f"{chart.RELEASE}-edit"
# What of the chart is no Deployment, and not there already.
INSTALLED = ("ServiceAccount", "Role", "ClusterRole", "Binding", "Policy")
RULES: dict[str, list[Body]] = {
    Who.STARTER: [{"apiGroups": [names.GROUP], "resources": [RUNS], "verbs": ["create"]}],
    Who.CONTROLLER: [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
        {
            "apiGroups": ["", "batch", names.GROUP],
            "resources": [f"{plural}/status" for plural in ("pods", "jobs", "cronjobs", RUNS, names.SCHEDULE_PLURAL)],
            "verbs": ["patch"],
        },
    ],
}
# Which ClusterRoles an account has in its namespace, beside the rules above.
ROLES = {Who.STARTER: (), Who.EDITOR: (EDIT,), Who.ADMIN: ("admin", EDIT), Who.CONTROLLER: ("admin", EDIT)}


@dataclass(frozen=True)
class House:
    """The cluster, and who lives in it."""

    cluster: Cluster
    operator: Path  # its kubeconfig
    tenant: Mapping[Who, Account]
    neighbour: Account
    kubelet: Account  # the admin, in the neighbour's namespace
    old_runs: Mapping[str, str]  # stored before names had a pattern: which run has which scheduleName


def furnish(cluster: Cluster, odd_names: tuple[str, ...], folder: Path) -> House:
    """Everything but the operator, which is not at work yet."""
    chart.apply_crds(cluster)
    accounts = _namespaces() + _account(NEIGHBOUR, "neighbour", ("admin", EDIT))
    accounts += [body for who, roles in ROLES.items() for body in _account(TENANT, who.value, roles)]
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([*accounts, *_rights(cluster)]))
    admin = Account.of_admin(cluster.kubeconfig, NEIGHBOUR)
    tenant = {who: admin.login(TENANT, who) for who in Who}
    operator = cluster.service_account_kubeconfig(chart.OPERATOR_NAMESPACE, OPERATOR, folder / "operator")
    old = _store_old_runs(admin, tenant[Who.STARTER], odd_names)
    return House(cluster, operator, tenant, admin.login(NEIGHBOUR, "neighbour"), admin, old)


def _namespaces() -> list[Body]:
    found = (chart.OPERATOR_NAMESPACE, TENANT, NEIGHBOUR)
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in found]


def _rights(cluster: Cluster) -> list[Body]:
    """Roles and policies, as Helm makes them for this cluster."""
    version = json.loads(cluster.kubectl("version", "-o", "json"))
    render = ["template", chart.RELEASE, str(chart.CHART), "--namespace", chart.OPERATOR_NAMESPACE]
    render += ["--kube-version", version["serverVersion"]["gitVersion"]]
    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        render += ["--api-versions", f"admissionregistration.k8s.io/v1/{kind}"]
    made = [body for body in yaml.safe_load_all(chart.helm(cluster, *render)) if body]
    return [body for body in made if body["kind"].endswith(INSTALLED)]


def _account(namespace: str, name: str, roles: tuple[str, ...]) -> list[Body]:
    """A ServiceAccount with these ClusterRoles in its namespace."""
    objects: list[Body] = [_object("v1", "ServiceAccount", namespace, name)]
    rbac, subject = "rbac.authorization.k8s.io", {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    wanted = [("ClusterRole", role) for role in roles]
    if name in RULES:
        objects.append(_object(f"{rbac}/v1", "Role", namespace, name, rules=RULES[name]))
        wanted.append(("Role", name))
    for kind, role in wanted:
        reference = {"apiGroup": rbac, "kind": kind, "name": role}
        binding = _object(f"{rbac}/v1", "RoleBinding", namespace, f"{name}-{role}", roleRef=reference)
        objects.append(binding | {"subjects": [subject]})
    return objects


def _object(version: str, kind: str, namespace: str, name: str, **more: Any) -> Body:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **more}


def _store_old_runs(admin: Account, tenant: Account, odd_names: tuple[str, ...]) -> dict[str, str]:
    """Runs whose scheduleName no present schema takes: made under one without its rules."""
    today = yaml.safe_load((chart.CRDS / "scheduleruns.yaml").read_text())["spec"]["versions"]
    lax = copy.deepcopy(today)
    schema = lax[0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["scheduleName"] = {"type": "string"}
    made = {f"old-{number}": name for number, name in enumerate(odd_names)}
    _serve(admin, lax)
    for run, name in made.items():
        body = _object(names.API_VERSION, names.RUN_KIND, TENANT, run, spec={"scheduleName": name})
        assert wait_until(partial(_is_taken, tenant, body), 30), body
    _serve(admin, today)
    _wait_for_rules(tenant)
    return made


def _is_taken(tenant: Account, body: Body) -> bool:
    return not tenant.send(create(RUNS, body)).refused


def _serve(admin: Account, versions: list[Body]) -> None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{RUNS}.{names.GROUP}"
    answer = admin.request("PATCH", path, json.dumps({"spec": {"versions": versions}}).encode(), MERGE)
    assert not answer.refused, answer.words


def _wait_for_rules(tenant: Account) -> None:
    """Until the API server keeps to the schema again."""
    body = _object(names.API_VERSION, names.RUN_KIND, TENANT, "probe", spec={"scheduleName": "x" * 254})
    assert wait_until(lambda: not _is_taken(tenant, body), 30), "a run of any name is still taken"

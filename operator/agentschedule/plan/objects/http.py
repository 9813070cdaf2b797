"""From ``agent.http`` to what the bundled runner's container needs."""

from __future__ import annotations

from typing import Any, NamedTuple

from agentschedule.api.base import KeyRef
from agentschedule.api.http import CaFrom, HeaderFrom, HttpAgent
from agentschedule.names import HttpEnv
from agentschedule.plan.spec.env import compact_json, escape

Body = dict[str, Any]

COMMAND = ["python", "-m", "agentschedule.runner.http"]
CA_VOLUME = "agentschedule-http-ca"
# Not below the message's directory: a mount cannot be made inside a read-only one.
CA_DIRECTORY, CA_FILE = "/etc/agentschedule-http-ca", "ca.crt"


class HttpParts(NamedTuple):
    """What goes into the pod, beside the contract."""

    command: list[str]
    env: list[Body]
    volumes: list[Body]
    volume_mounts: list[Body]


def http_parts(http: HttpAgent | None) -> HttpParts:
    """The runner's command, variables and the CA's volume; nothing for an agent in a container. Secrets stay
    references: no spec of a pod holds one."""
    if http is None:
        return HttpParts([], [], [], [])
    env = [{"name": HttpEnv.SPEC.value, "value": escape(compact_json(_without_secrets(http)))}]
    env += [_secret_value(index, header) for index, header in enumerate(http.headers_from or ())]
    if http.ca_from is None:
        return HttpParts(COMMAND, env, [], [])
    env.append({"name": HttpEnv.CA_FILE.value, "value": f"{CA_DIRECTORY}/{CA_FILE}"})
    mount = {"name": CA_VOLUME, "mountPath": CA_DIRECTORY, "readOnly": True}
    return HttpParts(COMMAND, env, [_ca_volume(http.ca_from)], [mount])


def _without_secrets(http: HttpAgent) -> Body:
    """What the runner reads: of a secret header its name and prefix, in the order of their variables."""
    headers = [header.model_dump(exclude={"secret_key_ref"}, exclude_none=True) for header in http.headers_from or ()]
    body = http.model_copy(update={"headers_from": None, "ca_from": None}).wire()
    return {**body, "headersFrom": headers} if headers else body


def _secret_value(index: int, header: HeaderFrom) -> Body:
    return {"name": f"{HttpEnv.HEADER}{index}", "valueFrom": {"secretKeyRef": header.secret_key_ref.wire()}}


def _ca_volume(ca: CaFrom) -> Body:
    """The CRD's rule: exactly one of the two."""
    volume: Body = {"name": CA_VOLUME}
    if ref := ca.config_map_key_ref:
        volume["configMap"] = {"name": ref.name, "items": _items(ref)}
    elif ref := ca.secret_key_ref:
        volume["secret"] = {"secretName": ref.name, "items": _items(ref)}
    return volume


def _items(ref: KeyRef) -> list[Body]:
    return [{"key": ref.key, "path": CA_FILE}]

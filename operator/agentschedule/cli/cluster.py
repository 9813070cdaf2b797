"""The cluster as a user sees it, through the kubeconfig.

The client library and the models are imported late: ``next`` must be fast and work without a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from agentschedule.cli.errors import CommandError, NotThere
from agentschedule.names import (
    AGENT_CONTAINER,
    GROUP,
    RUN_KIND,
    RUN_PLURAL,
    SCHEDULE_KIND,
    SCHEDULE_PLURAL,
    VERSION,
)

if TYPE_CHECKING:
    from kubernetes.client import ApiException, CustomObjectsApi

    from agentschedule.api.run import ScheduleRun
    from agentschedule.api.schedule import AgentSchedule
    from agentschedule.plan.observed import Unreadable

    Schedule = AgentSchedule | Unreadable

Body = dict[str, Any]
T = TypeVar("T")

TIMEOUT_SECONDS = 10  # for one request
SILENCE_SECONDS = 86_400  # of an agent whose log is followed
VERSION_SECONDS = 3  # for one that is nice to have
# What a refusal calls them, and what we do.
KINDS = {SCHEDULE_PLURAL: SCHEDULE_KIND, RUN_PLURAL: RUN_KIND, "pods": "pod"}
NOT_INSTALLED = f"the cluster does not know {SCHEDULE_PLURAL}.{GROUP}: is the Agent Schedule Operator installed?"


class Cluster:
    """Our two kinds in one namespace. Every method raises CommandError with the sentence to print."""

    def __init__(self, api: CustomObjectsApi, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    def schedule(self, name: str) -> Schedule:
        """The AgentSchedule of that name; Unreadable if only its metadata and its status can be read here."""
        return _schedule(self._ask("get_namespaced_custom_object", SCHEDULE_PLURAL, name=name))

    def patch_schedule(self, name: str, patch: Body) -> Schedule:
        """The AgentSchedule after a merge patch."""
        return _schedule(self._ask("patch_namespaced_custom_object", SCHEDULE_PLURAL, name=name, body=patch))

    def annotate_schedule(self, name: str, annotations: dict[str, str | None]) -> Schedule:
        """Set annotations; those that are None are removed."""
        return self.patch_schedule(name, {"metadata": {"annotations": annotations}})

    def run(self, name: str) -> ScheduleRun:
        """The ScheduleRun of that name."""
        return _run(self._ask("get_namespaced_custom_object", RUN_PLURAL, name=name))

    def patch_run(self, name: str, patch: Body) -> ScheduleRun:
        """The ScheduleRun after a merge patch."""
        return _run(self._ask("patch_namespaced_custom_object", RUN_PLURAL, name=name, body=patch))

    def runs(self) -> list[Body]:
        """All ScheduleRuns of the namespace, as they are: also those that the models do not take."""
        items: list[Body] = self._ask("list_namespaced_custom_object", RUN_PLURAL).get("items", [])
        return items

    def log(self, pod: str, follow: bool) -> Iterator[bytes]:
        """The log of a pod's agent, piece by piece as it comes. Raises NotThere if the pod is gone."""
        from kubernetes.client import CoreV1Api

        with _sentences(self._api.api_client.configuration.host, self.namespace):
            response: Any = CoreV1Api(self._api.api_client).read_namespaced_pod_log(
                pod,
                self.namespace,
                container=AGENT_CONTAINER,
                follow=follow,
                _preload_content=False,
                _request_timeout=(TIMEOUT_SECONDS, SILENCE_SECONDS if follow else TIMEOUT_SECONDS),
            )
            yield from response.stream()

    def server_version(self) -> str:
        """Kubernetes' own, such as v1.36.3."""
        from kubernetes.client import VersionApi

        with _sentences(self._api.api_client.configuration.host, self.namespace):
            return str(VersionApi(self._api.api_client).get_code(_request_timeout=VERSION_SECONDS).git_version)

    def _ask(self, call: str, plural: str, **more: Any) -> Body:
        where = {"group": GROUP, "version": VERSION, "namespace": self.namespace, "plural": plural}
        with _sentences(self._api.api_client.configuration.host, self.namespace):
            answer: Body = getattr(self._api, call)(**where, **more, _request_timeout=TIMEOUT_SECONDS)
            return answer


def _schedule(body: Body) -> Schedule:
    from agentschedule.cluster import parse

    return _read(parse.schedule, SCHEDULE_KIND, body)


def _run(body: Body) -> ScheduleRun:
    from agentschedule.cluster import parse

    return _read(partial(parse.run, whole=True), RUN_KIND, body)


def _read(parser: Callable[[Body], T], kind: str, body: Body) -> T:
    from pydantic import ValidationError

    from agentschedule.cluster.parse import sentence

    try:
        return parser(body)
    except ValidationError as error:
        name = body["metadata"]["name"]
        raise CommandError(
            f"{kind} {name} cannot be read ({sentence(error)}): is this plugin too old for it?"
        ) from None


def connect(namespace: str | None) -> Cluster:
    """The cluster of the current context; ``namespace`` None means the context's. Raises CommandError."""
    from kubernetes import client, config

    configuration = client.Configuration()
    try:
        config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        _, current = config.list_kube_config_contexts()  # type: ignore[no-untyped-call]
    except Exception as error:
        # The library raises whatever a broken file makes it stumble over; for the user it is all the same.
        first_line = (str(error) or type(error).__name__).splitlines()[0]
        raise CommandError(f"no usable kubeconfig (KUBECONFIG, or .kube/config at home): {first_line}") from None
    # A person is waiting: say at once that nobody answers.
    configuration.retries = False
    api = client.CustomObjectsApi(client.ApiClient(configuration))
    return Cluster(api, namespace or current["context"].get("namespace") or "default")


@contextmanager
def _sentences(host: str, namespace: str) -> Iterator[None]:
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        if error.status:
            raise _refusal(error, namespace) from None
        # The library's way to say that TLS failed: no status, and the words in the second line.
        raise CommandError(f"cannot reach the cluster at {host}: {str(error.reason).splitlines()[-1]}") from None
    except (HTTPError, OSError) as error:
        raise CommandError(f"cannot reach the cluster at {host}: {_reason(error)}") from None
    except ValueError:
        raise CommandError(f"{host} did not answer as Kubernetes does: is the kubeconfig's server right?") from None


def _refusal(error: ApiException, namespace: str) -> CommandError:
    status = _status(error.body)
    details = status.get("details") or {}
    if error.status == 404 and details.get("name"):
        kind = KINDS.get(str(details.get("kind")), SCHEDULE_KIND)
        return NotThere(f"there is no {kind} {details['name']!r} in namespace {namespace!r}")
    if error.status == 404:
        return CommandError(NOT_INSTALLED)
    if error.status == 401:
        return CommandError("the cluster does not accept the kubeconfig's credentials: log in again")
    return CommandError(str(status.get("message") or f"the cluster answered {error.status} {error.reason}"))


def _status(body: Any) -> Body:
    """The metav1.Status in an answer; empty if a proxy or an unknown path answered in words."""
    try:
        status = json.loads(body or "{}")
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _reason(error: BaseException) -> str:
    """The system's own words (connection refused), which the library wraps several times."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return str(error).rpartition(": ")[2] or type(error).__name__

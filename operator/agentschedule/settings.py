"""The operator's settings: the only reader of the environment."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agentschedule.names import DNS_LABEL
from agentschedule.plan.observed import OPEN_RUNS


def _words(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """a,b,c: each once."""
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


Namespace = Annotated[str, Field(max_length=63, pattern=DNS_LABEL)]


class Settings(BaseSettings):
    """Each field is the environment variable AGENTSCHEDULE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="AGENTSCHEDULE_")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    health_port: Annotated[int, Field(ge=0, le=65535, description="Port of /healthz and /readyz.")] = 8080
    metrics_port: Annotated[int, Field(ge=0, le=65535, description="Port of /metrics.")] = 8081
    workers: Annotated[int, Field(ge=1, le=500, description="Schedules reconciled at the same time.")] = 50
    resync_seconds: Annotated[float, Field(ge=10, description="How often watches are checked against lists.")] = 300
    max_open_manual_runs: Annotated[
        int, Field(ge=1, le=10_000, description="Manual runs of one schedule that may be open at the same time.")
    ] = OPEN_RUNS
    watch_namespaces: Annotated[
        tuple[Namespace, ...],
        NoDecode,
        BeforeValidator(_words),
        Field(description="The namespaces to work in, as a,b,c; empty: all of the cluster."),
    ] = ()
    pod_name: Annotated[str, Field(description="Who reports events, and leads.")] = "agentschedule-operator"
    leader_election: Annotated[
        bool, Field(description="One operator of several works, the others stand by; false: this is the only one.")
    ] = True
    namespace: Annotated[
        Namespace | None, Field(description="The operator's own, where its Lease is; empty: that of its pod.")
    ] = None
    lease_name: Annotated[str, Field(description="Operators with the same Lease work one at a time.")] = "agentschedule"
    lease_seconds: Annotated[
        int, Field(ge=2, le=300, description="After how long without a sign of the leader another takes its place.")
    ] = 10
    assist: Annotated[
        bool, Field(description="Start what is due and not started after a second, if the CronJob controller is alive.")
    ] = True
    bundled_image: Annotated[str, Field(description="The image that runs agents behind HTTP: the operator's own.")] = (
        f"agentschedule:{version('agentschedule')}"
    )
    # Kubernetes' own names: where the API server is, inside of a cluster.
    service_host: Annotated[str | None, Field(validation_alias="KUBERNETES_SERVICE_HOST")] = None
    service_port: Annotated[str, Field(validation_alias="KUBERNETES_SERVICE_PORT")] = "443"

"""The operator's settings: the only reader of the environment."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agentschedule.plan.observed import OPEN_RUNS


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
    pod_name: Annotated[str, Field(description="Who reports events.")] = "agentschedule-operator"
    bundled_image: Annotated[str, Field(description="The image that runs agents behind HTTP: the operator's own.")] = (
        f"agentschedule:{version('agentschedule')}"
    )
    # Kubernetes' own names: where the API server is, inside of a cluster.
    service_host: Annotated[str | None, Field(validation_alias="KUBERNETES_SERVICE_HOST")] = None
    service_port: Annotated[str, Field(validation_alias="KUBERNETES_SERVICE_PORT")] = "443"

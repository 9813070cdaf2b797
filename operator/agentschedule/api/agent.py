"""What an AgentSchedule runs: the typed part of a pod, and the rest of it. Part of ``schedule``."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from agentschedule.api.base import PRESERVE_UNKNOWN, FreeForm, Model, rules
from agentschedule.api.http import HttpAgent
from agentschedule.names import AGENT_CONTAINER

IntOrString = Annotated[int | str, Field(json_schema_extra={"x-kubernetes-int-or-string": True})]
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]


class EnvVar(Model):
    name: Annotated[str, Field(min_length=1, description="Name of the variable.")]
    value: Annotated[
        str | None, Field(description="Its value; $(NAME) refers to a variable above, $$ is a dollar sign.")
    ] = None
    value_from: Annotated[
        FreeForm | None,
        Field(description="Where the value comes from: secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef."),
    ] = None


class LocalObjectReference(Model):
    name: Annotated[str, Field(min_length=1)]


class ResourceRequirements(Model):
    requests: Annotated[
        dict[str, IntOrString] | None, Field(description='What a pod reserves, such as cpu: "500m".')
    ] = None
    limits: Annotated[
        dict[str, IntOrString] | None, Field(description="What a pod may use at most, such as memory: 1Gi.")
    ] = None


class Container(Model):
    """A container of podTemplate: what is merged is named here, the rest passes through."""

    model_config = ConfigDict(extra="allow", json_schema_extra=PRESERVE_UNKNOWN)

    name: Annotated[str, Field(min_length=1)]
    env: tuple[EnvVar, ...] | None = None
    security_context: FreeForm | None = None


class PodMeta(Model):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class PodSpec(Model):
    """A pod's spec: what is merged is named here, the rest passes through, checked by a dry run of the CronJob."""

    model_config = ConfigDict(extra="allow", json_schema_extra=PRESERVE_UNKNOWN)

    containers: tuple[Container, ...] | None = None
    security_context: FreeForm | None = None


class PodTemplate(Model):
    metadata: PodMeta | None = None
    spec: PodSpec | None = None


class Agent(Model):
    """What to run: a container, or an agent behind HTTP."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.image) != has(self.http)", "write one of image (a container) and http (an agent behind HTTP)"),
            (
                "!has(self.http) || !(has(self.command) || has(self.args))",
                "command and args belong to image: with http, the bundled image runs its own",
            ),
        )
    )

    name: Annotated[
        LabelValue | None,
        Field(description="Name of the agent; a label on all that this schedule makes. Default: the schedule's name."),
    ] = None
    model: Annotated[str | None, Field(max_length=253, description="Model, handed to the agent as AGENT_MODEL.")] = None
    allowed_tools: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^,\s]+$")], ...] | None,
        Field(
            max_length=128,
            description="Tools that the agent may use, handed to it as AGENT_ALLOWED_TOOLS (a,b,c).",
        ),
    ] = None
    image: Annotated[
        str | None,
        Field(min_length=1, description="Image of the agent, such as registry.example/finance-agent:1.4."),
    ] = None
    http: Annotated[
        HttpAgent | None,
        Field(description="An agent that already runs somewhere: the bundled image calls it, instead of image."),
    ] = None
    command: Annotated[tuple[str, ...] | None, Field(description="Replaces the image's entry point.")] = None
    args: Annotated[
        tuple[str, ...] | None,
        Field(description="Arguments; $(AGENT_MESSAGE) and the other AGENT_ variables work here."),
    ] = None
    env: Annotated[
        tuple[EnvVar, ...] | None,
        Field(description="More environment variables; AGENT_ names of the contract are taken."),
    ] = None
    env_from: Annotated[
        tuple[FreeForm, ...] | None,
        Field(description="Whole Secrets or ConfigMaps as environment variables."),
    ] = None
    resources: Annotated[ResourceRequirements | None, Field(description="CPU and memory of the agent's container.")] = (
        None
    )
    image_pull_policy: Annotated[
        str | None,
        Field(
            json_schema_extra={"enum": ["Always", "IfNotPresent", "Never"]},
            description="When to pull the image.",
        ),
    ] = None
    image_pull_secrets: Annotated[
        tuple[LocalObjectReference, ...] | None, Field(description="Secrets to pull the image with.")
    ] = None
    service_account_name: Annotated[
        str | None,
        Field(description="ServiceAccount of the pods; its token is mounted only if podTemplate asks for it."),
    ] = None
    volumes: Annotated[tuple[FreeForm, ...] | None, Field(description="Volumes of the pods, as in a pod.")] = None
    volume_mounts: Annotated[
        tuple[FreeForm, ...] | None, Field(description="Where the volumes appear in the agent's container.")
    ] = None
    node_selector: Annotated[dict[str, str] | None, Field(description="Labels a node must have.")] = None
    pod_template: Annotated[
        PodTemplate | None,
        Field(
            description="The rest of a PodTemplateSpec: metadata; spec with sidecars, tolerations, security contexts. "
            f"The fields above win; a container called {AGENT_CONTAINER} is merged with them."
        ),
    ] = None

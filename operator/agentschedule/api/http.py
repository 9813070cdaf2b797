"""An agent behind HTTP: what the bundled runner calls, and how it reads the answer. Part of ``agent``.

The rules over several fields keep the protocols apart, so that no field is there that nobody reads.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from agentschedule.api.base import FreeForm, KeyRef, Model, Name, rules
from agentschedule.names import HttpProtocol

# A host, but no user:password@ and no template: a message must not choose where secrets go.
_URL = r"^https?://[^\\s/?#@$]+([/?][^\\s#]*)?$"
_URL_SENTENCE = (
    "write an http:// or https:// URL such as https://agent.example/run: no user:password@ (use headersFrom), "
    "no #fragment, and no $ in the host"
)
_TOKEN = r"^[A-Za-z0-9!#$%&*+.^_|~-]+$"  # noqa: S105 - RFC 9110's word for what a header's name is made of
_OWN_HEADERS = "['host', 'content-length', 'transfer-encoding', 'connection', 'idempotency-key']"
_OWN_HEADERS_SENTENCE = "Host, Content-Length, Transfer-Encoding, Connection and Idempotency-Key are the runner's own"

Path = Annotated[str, Field(max_length=253, pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(min_length=1, max_length=16)]


class CaFrom(Model):
    """Where a CA certificate is."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.configMapKeyRef) != has(self.secretKeyRef)", "write one of configMapKeyRef and secretKeyRef"),
        )
    )

    config_map_key_ref: Annotated[KeyRef | None, Field(description="A ConfigMap's key, such as ca.crt.")] = None
    secret_key_ref: Annotated[KeyRef | None, Field(description="A Secret's key, such as ca.crt.")] = None


class HeaderFrom(Model):
    """A header whose value is in a Secret."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern=_TOKEN,
            description="Name of the header, such as Authorization.",
            json_schema_extra=rules((f"!(self.lowerAscii() in {_OWN_HEADERS})", _OWN_HEADERS_SENTENCE)),
        ),
    ]
    prefix: Annotated[
        str | None, Field(max_length=128, description='What comes before the value, such as "Bearer " with its blank.')
    ] = None
    secret_key_ref: Annotated[KeyRef, Field(description="The Secret's key that holds the value.")]


class HttpResult(Model):
    """Where things are in the answer: dotted paths, such as choices.0.message.content."""

    output: Annotated[Path | None, Field(description="What was said. Default: output, else the whole answer.")] = None
    run_id: Annotated[Path | None, Field(alias="runID", description="The agent's id of the run. Default: run_id.")] = (
        None
    )
    session_id: Annotated[Path | None, Field(alias="sessionID", description="Its session. Default: session_id.")] = None
    status: Annotated[Path | None, Field(description="The run's state, in one word. Default: status.")] = None
    succeeded: Annotated[
        Words | None, Field(description="Words of status for success. Default: succeeded, success, completed, done.")
    ] = None
    failed: Annotated[
        Words | None,
        Field(description="Words of status for failure. Default: failed, failure, error, cancelled, canceled."),
    ] = None
    error: Annotated[
        Path | None,
        Field(description="What went wrong: text, or an object with code, message, retryable. Default: error."),
    ] = None
    model: Annotated[Path | None, Field(description="The model that was used. Default: model.")] = None
    usage: Annotated[
        Path | None, Field(description="An object with input_tokens, output_tokens, total_tokens. Default: usage.")
    ] = None
    cost_usd: Annotated[Path | None, Field(alias="costUSD", description="US dollars. Default: cost_usd.")] = None
    requirements: Annotated[
        Path | None, Field(description="A list of what the agent asks for before it goes on. Default: requirements.")
    ] = None


class HttpPoll(Model):
    """For servers that answer before the run has ended: how to follow it."""

    model_config = ConfigDict(
        json_schema_extra=rules(("!has(self.url) || !has(self.urlPath)", "write at most one of url and urlPath"))
    )

    url: Annotated[
        str | None,
        Field(
            max_length=2048,
            description="Where to ask, such as /runs/$(RUN_ID): relative to the agent's url, with the answer's "
            "$(RUN_ID) and $(SESSION_ID). Default: the answer's Location header.",
        ),
    ] = None
    url_path: Annotated[Path | None, Field(description="Where that URL is in the first answer: links.self.")] = None
    interval_seconds: Annotated[
        int | None, Field(ge=1, le=3600, description="The longest pause between two looks. Default: 5.")
    ] = None


def _json_only(field: str, instead: str) -> tuple[str, str]:
    return (
        f"!has(self.{field}) || !has(self.protocol) || self.protocol == 'JSON'",
        f"{field} belongs to protocol JSON: leave it out, {instead}",
    )


class HttpAgent(Model):
    """An agent that already runs somewhere; the bundled image calls it and follows its run to the end."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            _json_only("method", "the other protocols know what to send"),
            _json_only("successStatus", "the other protocols know their own answers"),
            _json_only("result", "the other protocols know their own answers"),
            _json_only("poll", "the other protocols follow a run by themselves"),
            _json_only("cancelUrl", "the other protocols cancel a run by themselves"),
            (
                "(has(self.protocol) && self.protocol == 'LangGraph') == has(self.assistant)",
                "assistant names the graph or assistant of protocol LangGraph: write it there, and nowhere else",
            ),
            (
                "!has(self.protocol) || self.protocol != 'Agno' || "
                "self.url.matches('/(agents|teams|workflows)/[^/?#]+/?$')",
                "with protocol Agno, url is the agent's own, such as http://agno:7777/agents/finance "
                "(or /teams/…, /workflows/…)",
            ),
            (
                "!has(self.method) || self.method != 'GET' || !has(self.body)",
                "a GET has no body: write $(AGENT_MESSAGE) into the url, such as https://agent.example/ask?q=$(AGENT_MESSAGE)",
            ),
        )
    )

    url: Annotated[
        str,
        Field(
            max_length=2048,
            description="What to call. JSON: the endpoint; $(AGENT_MESSAGE) and the like are filled in, encoded. Agno: "
            "the agent, http://agno:7777/agents/ID, or a team or workflow. A2A: the agent's base URL or its JSON-RPC "
            "endpoint. LangGraph: the server.",
            json_schema_extra=rules((f"self.matches('{_URL}')", _URL_SENTENCE)),
        ),
    ]
    protocol: Annotated[
        HttpProtocol | None,
        Field(description="What the server speaks: JSON (default: any endpoint), Agno (AgentOS), A2A or LangGraph."),
    ] = None
    assistant: Annotated[
        Name | None, Field(description="LangGraph: the name of the graph, or the id of an assistant.")
    ] = None
    method: Annotated[
        str | None,
        Field(json_schema_extra={"enum": ["GET", "POST", "PUT", "PATCH"]}, description="JSON: default POST."),
    ] = None
    headers: Annotated[
        dict[str, Annotated[str, Field(max_length=4096)]] | None,
        Field(
            max_length=32,
            description="More headers. What is secret belongs into headersFrom.",
            json_schema_extra=rules(
                (
                    f"self.all(name, name.matches('{_TOKEN}') && self[name].matches('^[^\\\\r\\\\n]*$'))",
                    "a header's name takes letters, digits and -, its value one line",
                ),
                (f"self.all(name, !(name.lowerAscii() in {_OWN_HEADERS}))", _OWN_HEADERS_SENTENCE),
            ),
        ),
    ] = None
    headers_from: Annotated[
        tuple[HeaderFrom, ...] | None,
        Field(max_length=16, description="Headers from Secrets; sent to the host in url and to no other."),
    ] = None
    body: Annotated[
        FreeForm | None,
        Field(
            description="JSON: the request's body; the others: more fields for theirs. $(AGENT_MESSAGE), "
            "$(AGENT_SESSION_ID) and the other variables of the contract are filled in; a value that is just "
            "$(AGENT_PARAMS) becomes the object."
        ),
    ] = None
    success_status: Annotated[
        tuple[Annotated[int, Field(ge=200, le=599)], ...] | None,
        Field(min_length=1, max_length=16, description="JSON: status codes of success. Default: 200 to 299."),
    ] = None
    result: Annotated[HttpResult | None, Field(description="JSON: where things are in the answer.")] = None
    poll: Annotated[
        HttpPoll | None, Field(description="JSON: the server answers at once, and is asked until the run has ended.")
    ] = None
    cancel_url: Annotated[
        str | None,
        Field(
            max_length=2048,
            description="JSON: what to POST to when the run is stopped, such as /runs/$(RUN_ID)/cancel.",
        ),
    ] = None
    allow_link_local: Annotated[
        bool | None,
        Field(
            description="Connect also to link-local addresses (169.254.0.0/16, fe80::/10) and to the metadata services "
            "of clouds, which hand out a node's credentials. Default: false."
        ),
    ] = None
    ca_from: Annotated[
        CaFrom | None, Field(description="PEM certificates to trust instead of the public ones: a private CA.")
    ] = None

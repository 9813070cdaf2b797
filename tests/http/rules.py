"""What the CRD takes and refuses as ``spec.agent.http``: pairs of a spec and the sentence that refuses it."""

from __future__ import annotations

from typing import Any

URL = "http://agent.agents.svc:8080/run"
AGNO = "http://agno:7777/agents/finance"
TOKEN = {"name": "bank", "key": "token"}

VALID: list[dict[str, Any]] = [
    {"url": URL},
    {"url": "https://[fd00::1]:8443"},
    {"url": "https://a.example/ask?q=$(AGENT_MESSAGE)", "method": "GET"},
    {"url": URL, "protocol": "JSON", "method": "PUT", "body": {"a": [1, {"b": "$(AGENT_PARAMS)"}]}},
    {"url": URL, "successStatus": [200, 409], "result": {"output": "choices.0.text", "failed": ["broken"]}},
    {"url": URL, "poll": {"url": "/runs/$(RUN_ID)", "intervalSeconds": 30}, "cancelUrl": "/runs/$(RUN_ID)/cancel"},
    {"url": URL, "headers": {"X-Team": "a b"}, "headersFrom": [{"name": "X-Key", "secretKeyRef": TOKEN}]},
    {"url": URL, "caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}},
    {"url": AGNO, "protocol": "Agno", "body": {"user_id": "u"}},
    {"url": "https://os.example/v1/workflows/month/", "protocol": "Agno"},
    {"url": "http://a2a:9999", "protocol": "A2A"},
    {"url": "http://169.254.20.10/run", "allowLinkLocal": True},
    {"url": "http://langgraph:2024", "protocol": "LangGraph", "assistant": "agent"},
]

INVALID: list[tuple[dict[str, Any], str]] = [
    ({"url": "agent:8080"}, "write an http:// or https:// URL"),
    ({"url": "ftp://agent"}, "write an http:// or https:// URL"),
    ({"url": "https://user:pw@agent/run"}, "no user:password@ (use headersFrom)"),
    ({"url": "https://agent/run#top"}, "no #fragment"),
    ({"url": "https://$(AGENT_MESSAGE)/run"}, "no $ in the host"),
    ({"url": URL, "protocol": "SOAP"}, "Unsupported value"),
    ({"url": URL, "method": "DELETE"}, "Unsupported value"),
    ({"url": URL, "method": "GET", "body": {}}, "a GET has no body"),
    ({"url": AGNO, "protocol": "Agno", "method": "PUT"}, "method belongs to protocol JSON"),
    ({"url": AGNO, "protocol": "Agno", "successStatus": [200]}, "successStatus belongs to protocol JSON"),
    ({"url": URL, "protocol": "A2A", "result": {"output": "a"}}, "result belongs to protocol JSON"),
    ({"url": URL, "protocol": "A2A", "poll": {}}, "poll belongs to protocol JSON"),
    ({"url": URL, "protocol": "A2A", "cancelUrl": "/cancel"}, "cancelUrl belongs to protocol JSON"),
    ({"url": URL, "protocol": "LangGraph"}, "assistant names the graph"),
    ({"url": URL, "assistant": "agent"}, "assistant names the graph"),
    ({"url": URL, "protocol": "Agno"}, "url is the agent's own"),
    ({"url": URL, "poll": {"url": "/a", "urlPath": "b"}}, "at most one of url and urlPath"),
    ({"url": URL, "result": {"output": "a..b"}}, "output"),
    ({"url": URL, "headers": {"X Y": "1"}}, "a header's name takes letters"),
    ({"url": URL, "headers": {"X": "1\n2"}}, "its value one line"),
    ({"url": URL, "headers": {"Idempotency-Key": "1"}}, "are the runner's own"),
    ({"url": URL, "headersFrom": [{"name": "HOST", "secretKeyRef": TOKEN}]}, "are the runner's own"),
    ({"url": URL, "headersFrom": [{"name": "X-Key"}]}, "secretKeyRef"),
    ({"url": URL, "caFrom": {}}, "write one of configMapKeyRef and secretKeyRef"),
    ({"url": URL, "caFrom": {"configMapKeyRef": TOKEN, "secretKeyRef": TOKEN}}, "write one of configMapKeyRef"),
]

"""What an agent leaves as its result: the only words of an attacker's that the operator must read as JSON."""

from __future__ import annotations

from tests.hostile.tenant.accounts import PODS, Who, Write, patch
from tests.hostile.tenant.attack import Attack, Scene, ends
from tests.hostile.tenant.making import YEARS, agent_state, nested

RESULTS = {
    "no JSON": "}{" * 2_000,
    "nested 4,000 deep": nested(4_000).decode(),
    "requirements nested 800 deep": f'{{"requirements":[{nested(800).decode()}]}}',
    "output nested 99 deep": f'{{"output":{nested(99).decode()}}}',
    "a cost of 4,000 digits": '{"cost_usd":%s}' % ("9" * 4_000),
    "a cost that is no number": '{"cost_usd":"NaN","usage":{"input_tokens":1e308,"output_tokens":-1}}',
    "a cost near zero": '{"cost_usd":1e-9999,"usage":{"total_tokens":"9"}}',
    "tokens of 400 digits": '{"usage":{"input_tokens":%s,"output_tokens":1e400}}' % ("9" * 400),
    "a status code of 300 digits": '{"status_code":%s,"duration":-1}' % ("9" * 300),
    "words for terminals": '{"output":"\\u001b[2J\\r\\nFORGED","error":{"message":"\\u0000"},"session_id":"\\n"}',
    "half a character": '{"output":"\\ud800","session_id":"\\udfff","model":"\\ud83d"}',
    "each field of another kind": '{"status":[],"output":{"a":[null]},"error":7,"usage":"x","session_id":{},"model":1}',
    "fields twice": '{"status":"failed","status":"succeeded","output":1,"output":[[[]]]}',
    "a reference to elsewhere": '{"output_ref":"file:///etc/shadow","run_id":"..","session_id":"%s"}' % ("s" * 3_900),
}


def _result(what: str, text: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        end = {"exitCode": 0, "message": text, "startedAt": YEARS[3], "finishedAt": YEARS[3]}
        return [
            patch(PODS, scene.pod_made()["metadata"]["name"], agent_state({"terminated": end}, "Succeeded"), "status")
        ]

    return Attack(f"a result that is {what}", Who.CONTROLLER, writes, ends("Succeeded", "Failed"))


ATTACKS = tuple(_result(what, text) for what, text in RESULTS.items())

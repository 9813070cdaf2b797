"""A hostile tenant, and his neighbour who must not notice: one operator serves both.

Each attack is a row of a table in ``attacks/``. The neighbour triggers his schedule every second all the while.
"""

from __future__ import annotations

import json

import pytest
import yaml

from tests.hostile.tenant.attack import Attack, Scene
from tests.hostile.tenant.attacks import ATTACKS
from tests.hostile.tenant.cluster import NEIGHBOUR, OPERATOR, House
from tests.hostile.tenant.conftest import Guarded
from tests.hostile.tenant.neighbour import SCHEDULE
from tests.world import wait_for
from tools.cluster import audit, chart

pytestmark = [pytest.mark.xdist_group("hostile"), pytest.mark.turn(-7)]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.who}: {attack.title}")
def test_an_attack_is_answered_and_hurts_nobody(attack: Attack, scene: Scene) -> None:
    attack.run(scene)


def test_the_operator_has_not_ended_once(guarded: Guarded) -> None:
    assert guarded.deaths == []
    assert guarded.process.pid == guarded.pid


def test_each_trigger_of_the_neighbours_was_answered_in_time(guarded: Guarded) -> None:
    neighbour = guarded.neighbour
    neighbour.stop()
    assert neighbour.error is None
    late = [trigger for trigger in neighbour.triggers if trigger.late]
    assert not late, "\n".join(map(str, late))


def test_what_is_the_neighbours_is_as_he_made_it(guarded: Guarded) -> None:
    guarded.neighbour.runs_end_well()
    assert guarded.neighbour.picture() == guarded.before


def test_only_he_the_operator_and_kubernetes_wrote_there_and_the_operator_only_for_him(house: House) -> None:
    assert house.cluster.audit_log
    with house.cluster.audit_log.open() as lines:
        found = [json.loads(line) for line in lines if f'"namespace":"{NEIGHBOUR}"' in line and line.endswith("\n")]
    wrote = [event for event in found if event["responseStatus"].get("code", 500) < 400]
    operator = audit.service_account(chart.OPERATOR_NAMESPACE, OPERATOR)
    users = {event["user"]["username"] for event in wrote}
    his = audit.service_account(NEIGHBOUR, "neighbour")
    assert {user for user in users if not user.startswith("system:serviceaccount:kube-system:")} <= {
        his, operator, "admin", "system:kube-controller-manager",
    }  # fmt: skip
    about = {event["objectRef"].get("name", "") for event in wrote if event["user"]["username"] == operator}
    assert all(name.startswith((SCHEDULE, "n")) for name in about if name), about


def test_no_line_of_the_log_is_the_tenants(guarded: Guarded) -> None:
    said = guarded.process.log.read_text()
    assert not [line for line in said.splitlines() if line.startswith("FORGED")]
    assert not set(said) & set("\x1b\x07\x00\u2028\u202e")


def test_the_operator_stayed_within_the_memory_that_the_chart_gives_it(guarded: Guarded) -> None:
    values = yaml.safe_load((chart.CHART / "values.yaml").read_text())
    assert guarded.memory < int(values["resources"]["limits"]["memory"].removesuffix("Mi"))


def test_a_new_operator_reads_all_that_is_stored_and_serves_the_neighbour(guarded: Guarded) -> None:
    neighbour, made = guarded.neighbour, len(guarded.neighbour.triggers)
    assert guarded.process.terminate() == 0
    guarded.process.start()
    neighbour.start()
    wait_for(lambda: len(neighbour.triggers) >= made + 3, "three more answers", 90)
    neighbour.stop()
    guarded.check()
    assert neighbour.error is None
    neighbour.runs_end_well()

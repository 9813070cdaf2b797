"""What the author of a schedule may not write."""

from __future__ import annotations

import pytest

from agentschedule.names import Env
from agentschedule.plan.spec.validate import validate
from tests.unit.bodies import Body
from tests.unit.builders import a_schedule


@pytest.mark.parametrize("name", [variable.value for variable in Env])
@pytest.mark.parametrize("where", ["typed", "podTemplate"])
def test_no_variable_of_the_contract_can_be_set_by_the_author(name: str, where: str) -> None:
    variables = [{"name": name, "value": "mine"}]
    template = {"spec": {"containers": [{"name": "agent", "env": variables}]}}
    own: Body = {"env": variables} if where == "typed" else {"podTemplate": template}
    validation = validate(a_schedule(agent={"image": "i"} | own))
    assert not validation.accepted
    assert name in validation.message

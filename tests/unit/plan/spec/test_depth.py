"""What nests too deep gets a sentence."""

from __future__ import annotations

import pytest

from tests.unit.bodies import KEY, Body, nested, problem, read_and_plan, schedule_body


@pytest.mark.parametrize("levels", [31, 254, 300, 990, 5_000])
def test_params_that_nest_too_deep_get_a_sentence(levels: int) -> None:
    assert "params is nested more than 30 levels deep" in problem(params=nested(levels))


def test_params_of_thirty_levels_are_taken() -> None:
    store, _ = read_and_plan(schedule=schedule_body(params=nested(30)))
    assert store.cronjobs.of(KEY)


@pytest.mark.parametrize("levels", [51, 254, 300, 990, 5_000])
@pytest.mark.parametrize("where", ["podTemplate", "container", "volumes", "env"])
def test_a_pod_that_nests_too_deep_gets_a_sentence(where: str, levels: int) -> None:
    deep = nested(levels)
    agents: dict[str, Body] = {
        "podTemplate": {"podTemplate": {"spec": {"affinity": deep}}},
        "container": {"podTemplate": {"spec": {"containers": [{"name": "agent", "lifecycle": deep}]}}},
        "volumes": {"volumes": [deep]},
        "env": {"env": [{"name": "X", "valueFrom": deep}]},
    }
    assert "agent is nested more than 50 levels deep" in problem(agent={"image": "x"} | agents[where])


def test_a_pod_of_forty_levels_is_taken() -> None:
    template = {"spec": {"affinity": nested(40)}}
    store, _ = read_and_plan(schedule=schedule_body(agent={"image": "x", "podTemplate": template}))
    assert store.cronjobs.of(KEY)

"""The operator's rights, proved by the API servers' own logs of a test run: none was missing; and of the whole run,
none was left unused.

Each test worker notes what the operator did on its clusters; the leading process judges all of it together.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster.permissions import ASSIST, LEADER, OPERATOR
from tools.cluster import audit, chart
from tools.cluster.audit import Right
from tools.cluster.base import Cluster

HERE = Path(__file__).parent
DECLARED = frozenset(Right(p.group, p.resource, verb) for p in (*LEADER, *ASSIST) for verb in p.verbs)
GRANTED = frozenset(Right(p.group, p.resource, verb) for p in OPERATOR for verb in p.verbs) | DECLARED
# What an operator that is uninstalled asks for in vain when its roles are gone: its Lease, and our kinds, whose watches
# end with their CRDs. Without a right to these, no test would pass.
FAREWELLS = DECLARED | {
    Right(names.GROUP, plural, verb)
    for plural in (names.SCHEDULE_PLURAL, names.RUN_PLURAL)
    for verb in ("list", "watch")
}
# Together, these do all that the operator can do.
SUITES = (HERE / "integration", HERE / "e2e")

Seen = dict[str, set[Right]]
SEEN = pytest.StashKey[Seen]()
FAULTS = pytest.StashKey[list[str]]()
OUTPUT = "rights"  # the name under which xdist brings it from a worker


def note(config: pytest.Config, cluster: Cluster) -> None:
    """Before a cluster goes: what the operator did on it, where the API server's log is ours."""
    if cluster.audit_log:
        user = audit.service_account(chart.OPERATOR_NAMESPACE, chart.RELEASE)
        _add(config, *audit.rights(cluster, user))


def collect(config: pytest.Config, output: dict[str, Any]) -> None:
    """What a worker has noted."""
    if OUTPUT in output:
        _add(config, *([Right(*right) for right in rights] for rights in output[OUTPUT]))


def judge(session: pytest.Session) -> None:
    """In a worker, hand on what was noted; in the leading process, fail the run if a right is missing or useless."""
    seen = _seen(session.config)
    worker: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker[OUTPUT] = [[list(right) for right in rights] for rights in (seen["used"], seen["refused"])]
        return
    found = faults(seen["used"], seen["refused"], whole=_is_whole(session))
    session.config.stash[FAULTS] = found
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def faults(used: Iterable[Right], refused: Iterable[Right], whole: bool) -> list[str]:
    """A sentence for each right that was asked for in vain and, of a whole run, that nothing used."""
    said = [
        f"the operator asked for a right that the chart does not grant: {_words(r)}" for r in set(refused) - FAREWELLS
    ]
    if whole:
        said += [f"the chart grants a right that no test used: {_words(r)}" for r in GRANTED - set(used)]
    return sorted(said)


def _is_whole(session: pytest.Session) -> bool:
    """All the tests that use rights, on clusters whose logs are ours, to a good end."""
    option, config = session.config.option, session.config
    chosen = [option.keyword, option.markexpr, getattr(option, "lf", False), option.deselect, option.collectonly]
    paths = [(config.invocation_params.dir / str(arg).partition("::")[0]).resolve() for arg in config.args]
    covered = all(any(suite == path or path in suite.parents for path in paths) for suite in SUITES)
    single = any("::" in str(arg) for arg in config.args)
    return bool(covered and not single and not any(chosen) and not session.testsfailed and _seen(config)["used"])


def _add(config: pytest.Config, used: Iterable[Right], refused: Iterable[Right]) -> None:
    _seen(config)["used"].update(used)
    _seen(config)["refused"].update(refused)


def _seen(config: pytest.Config) -> Seen:
    return config.stash.setdefault(SEEN, {"used": set(), "refused": set()})


def _words(right: Right) -> str:
    return f"{right.verb} {right.resource}{'.' if right.group else ''}{right.group}"

"""Names of schedules that mean something in a path, a query, a shell, a log or a terminal."""

from __future__ import annotations

from agentschedule import names
from tests.hostile.tenant.accounts import RUNS, Who, create
from tests.hostile.tenant.attack import Attack, Scene, refused, run_is_skipped
from tests.hostile.tenant.making import run_of

VICTIM = "../../theirs/agentschedules/report"
ODD_NAMES = (
    "", ".", "..", "/", "report/", "report/status", "../jobs/report", VICTIM, f"report/../{VICTIM}",
    "../../../../../../api/v1/namespaces/kube-system/secrets", "%2e%2e", "..%2f..%2ftheirs%2fagentschedules%2freport",
    "?watch=true", "report?watch=true", "report#", "#", "a b", " report", "report;rm -rf", "REPORT", "-report",
    "report.", "my.report", "re\\port", "a,b", "a=b", "!report", "report\nFORGED level=ERROR",
    "\x1b[2J\x1b]0;owned\x07", "\x00", "\u202eroper", "réport", "🙈", "x" * 49, "x" * 253, "../" * 80, "{}",
    "${HOME}", "'; drop table runs; --",
)  # fmt: skip


def _create(name: str) -> Attack:
    return Attack(
        f"a run of {name[:40]!a}",
        Who.STARTER,
        lambda scene: [create(RUNS, run_of(name, scene.run))],
        refused("scheduleName"),
    )


def _stored(number: int) -> Attack:
    def is_answered(scene: Scene) -> None:
        run_is_skipped(scene, f"old-{number}", names.Reason.SCHEDULE_NOT_FOUND)

    title = f"a run of {ODD_NAMES[number][:40]!a} that was stored before names had a pattern"
    return Attack(title, Who.STARTER, lambda _scene: (), is_answered)


ATTACKS = (*map(_create, ODD_NAMES), *map(_stored, range(len(ODD_NAMES))))

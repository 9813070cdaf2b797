"""What most integration tests do first: a schedule at work, an answer awaited, a run brought to its end."""

from __future__ import annotations

from typing import Any

from kubernetes.client import ApiException

from agentschedule import child_names
from tests.world import Body, World, agent_schedule, schedule_run, stays, wait_for

# How long "and nothing more happens" is watched: a reconcile takes milliseconds, the longest pause of a plan 5 s.
QUIET_SECONDS = 4.0


def at_work(world: World, name: str, schedule: str | None = None, agent: Body | None = None, **spec: Any) -> Body:
    """Apply a schedule and return its status once the operator has acted on just this spec and is content."""
    more = {"schedule": schedule} if schedule else {}
    world.apply(agent_schedule(name, agent=agent, **more, **spec))
    return settled(world, name)


def settled(world: World, name: str, kind: str = "Ready", value: str = "True") -> Body:
    """A schedule's status once it speaks of the spec as it is now, and its condition has this value."""

    def speaks() -> Body | None:
        body = world.schedule(name)
        status: Body = body.get("status") or {}
        now = status.get("observedGeneration") == body["metadata"]["generation"]
        found = [c["status"] for c in status.get("conditions") or () if c["type"] == kind]
        return status if now and found == [value] else None

    return wait_for(speaks, f"{kind}={value} on AgentSchedule {name}", 30) or {}


def answer(world: World, name: str, token: str) -> Body:
    """Write a token and return the operator's answer to it."""
    world.trigger(name, token)
    return answered(world, name, token)


def answered(world: World, name: str, token: str) -> Body:
    """The operator's answer to a token that was written."""

    def matching() -> Body | None:
        last: Body = world.status(name).get("lastTrigger") or {}
        return last if last.get("token") == token else None

    return wait_for(matching, f"an answer to the token {token}", 30) or {}


def create_manual_run(world: World, name: str, schedule: str) -> None:
    """Create a ScheduleRun, as a person does."""
    world.apply(schedule_run(name, schedule))


def started(world: World, run: str, seconds: float = 30.0) -> Any:
    """The Job of a run, once it has been let go."""
    return wait_for(lambda: _released(world, run), f"Job {run} at work", seconds)


def _released(world: World, name: str) -> Any:
    try:
        job = world.api.batch.read_namespaced_job(name, world.namespace)
    except ApiException as error:
        if error.status == 404:
            return None
        raise
    return None if job.spec.suspend else job


def phase(world: World, run: str) -> str:
    """A run's phase; empty until it has one, and when there is no such run."""
    try:
        return str((world.run(run).get("status") or {}).get("phase", ""))
    except ApiException as error:
        if error.status == 404:
            return ""
        raise


def ended(world: World, run: str, as_phase: str) -> Body:
    """A run's status once it has ended, which must be as this phase."""
    wait_for(lambda: phase(world, run) not in ("", "Pending", "Running", "Retrying"), f"an end of run {run}", 40)
    status: Body = world.run(run)["status"]
    assert status["phase"] == as_phase, status
    return status


def finish(world: World, run: str, exit_code: int = 0, message: str = "") -> Body:
    """End the pod of a run that is at work, and return the run's status."""
    started(world, run)
    world.play_kubelet(run, exit_code, message)
    return ended(world, run, "Failed" if exit_code else "Succeeded")


def counts(world: World, name: str) -> Body:
    """A schedule's totals."""
    found: Body = world.status(name).get("counts") or {}
    return found


def counted(world: World, name: str, **expected: int) -> None:
    """The totals come to be exactly these, and then stay so."""

    def as_expected() -> bool:
        now = counts(world, name)
        return all(now.get(field) == number for field, number in expected.items())

    try:
        wait_for(as_expected, f"counts {expected}", 20)
    except AssertionError:
        raise AssertionError(f"counts are {counts(world, name)}, not {expected}") from None
    stays(as_expected, f"counts {expected}", QUIET_SECONDS)


def job_names(world: World, schedule: str | None = None) -> list[str]:
    """The names of the Jobs that exist."""
    return [job.metadata.name for job in world.jobs(schedule)]


def run_names(world: World, schedule: str | None = None) -> list[str]:
    """The names of the ScheduleRuns that exist."""
    return [run["metadata"]["name"] for run in world.runs(schedule)]


def told(world: World, name: str, reason: str) -> list[str]:
    """What the events about an object say, once there is one: they follow the status that they tell of."""
    events = wait_for(lambda: world.events(name, reason), f"an event {reason} about {name}")
    return [event.message for event in events]


def token_run(world: World, name: str, token: str) -> str:
    """The name of the run that a token starts."""
    return child_names.triggered_run_name(name, world.schedule(name)["metadata"]["uid"], token)

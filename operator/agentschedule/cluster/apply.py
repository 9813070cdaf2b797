"""Carries out what a plan asks for, each action by the writer of its kind.

What the API refuses because of what the user wrote comes back as an ``Answer``, which is data; anything else is a
``ClusterError``, to be retried.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import assert_never

from agentschedule.cluster.ask import Questions
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store
from agentschedule.cluster.write import Writes
from agentschedule.cluster.write_cronjob import CronJobWriter
from agentschedule.cluster.write_job import JobWriter
from agentschedule.cluster.write_pod import PodWriter
from agentschedule.cluster.write_run import RunWriter
from agentschedule.plan import actions
from agentschedule.plan.answers import Answer

# By whose writer each is carried out. An action that is in none does not type-check.
CronJobAction = actions.CreateCronJob | actions.UpdateCronJob | actions.RepairCronJob | actions.StartDue
RunAction = actions.CreateRun | actions.ClaimRun | actions.CancelRun | actions.DeleteRun
JobAction = (
    actions.CreateJob | actions.ReleaseJob | actions.HoldJob | actions.ResumeJob | actions.EndJob | actions.DeleteJob
)
Question = actions.AskWhyMissed | actions.AskWhyWaiting | actions.ReadLog | actions.LookAtPods | actions.AskNamespace


class Applier:
    """Carries out actions about one schedule."""

    def __init__(self, client: Client, store: Store, key: Key) -> None:
        writes = Writes(client, store, key)
        self._cronjobs = CronJobWriter(writes)
        self._jobs = JobWriter(writes)
        self._pods = PodWriter(writes)
        self._runs = RunWriter(writes)
        self._questions = Questions(client, store, key)

    async def apply(self, action: actions.Action) -> Answer | None:
        """Do one action. Returns the refusal of a write, if it is the user's to mend, or the reply to a question.
        Raises ClusterError for what a retry may mend."""
        if isinstance(action, CronJobAction):
            return await self._cronjob(action)
        if isinstance(action, RunAction):
            return await self._run(action)
        if isinstance(action, JobAction):
            return await self._job(action)
        if isinstance(action, Question):
            return await self._ask(action)
        if isinstance(action, actions.StopPod):
            await self._pods.stop(action)
            return None
        assert_never(action)

    def _cronjob(self, action: CronJobAction) -> Awaitable[Answer | None]:
        match action:
            case actions.CreateCronJob():
                return self._cronjobs.create(action)
            case actions.UpdateCronJob():
                return self._cronjobs.update(action)
            case actions.RepairCronJob():
                return self._cronjobs.repair(action)
            case actions.StartDue():
                return self._cronjobs.start_due(action)
            case _:
                assert_never(action)

    def _run(self, action: RunAction) -> Awaitable[Answer | None]:
        match action:
            case actions.CreateRun():
                return self._runs.create(action)
            case actions.ClaimRun():
                return self._runs.claim(action)
            case actions.CancelRun():
                return self._runs.cancel(action)
            case actions.DeleteRun():
                return self._runs.delete(action)
            case _:
                assert_never(action)

    def _job(self, action: JobAction) -> Awaitable[Answer | None]:
        match action:
            case actions.CreateJob():
                return self._jobs.create(action)
            case actions.ReleaseJob():
                return self._jobs.release(action)
            case actions.HoldJob():
                return self._jobs.hold(action)
            case actions.ResumeJob():
                return self._jobs.resume(action)
            case actions.EndJob():
                return self._jobs.end(action)
            case actions.DeleteJob():
                return self._jobs.delete(action)
            case _:
                assert_never(action)

    def _ask(self, action: Question) -> Awaitable[Answer | None]:
        match action:
            case actions.AskWhyMissed():
                return self._questions.why_missed(action)
            case actions.AskWhyWaiting():
                return self._questions.why_waiting(action)
            case actions.ReadLog():
                return self._questions.log(action)
            case actions.LookAtPods():
                return self._questions.pods(action)
            case actions.AskNamespace():
                return self._questions.namespace(action)
            case _:
                assert_never(action)

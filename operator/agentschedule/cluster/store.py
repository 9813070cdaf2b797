"""What the operator knows of the cluster: slim, parsed, found by schedule. Filled by watches, lists and our own writes.

Every object carries its resourceVersion, and an older one never replaces a newer: so the order in which changes arrive
does not matter, and a write of ours is seen at once.
"""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster import parse, resources
from agentschedule.cluster.client import Resource
from agentschedule.plan.indexed import Indexed
from agentschedule.plan.observed import OPEN_RUNS, CronJob, Job, Observed, Pod, Unreadable

logger = logging.getLogger(__name__)
Body = dict[str, Any]
T = TypeVar("T")
# Deleted objects that are remembered, so that late events about them are not believed.
TOMBSTONES = 10_000
# Schedules whose objects are kept as they were last asked for: more than are worked on at a time.
SHOWN = 64
FOR_GOOD = sys.maxsize


class Key(NamedTuple):
    """A schedule: what every object is about in the end."""

    namespace: str
    schedule: str


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    key: Key
    version: int
    item: T
    watched: bool  # lists and watches show it: what does not carry our label is known from a GET only


@dataclass
class Table(Generic[T]):
    """All objects of one kind."""

    resource: Resource
    parse: Callable[[Body], T]
    schedule_of: Callable[[Body], str]
    watches: Callable[[Body], bool] = lambda _body: True
    # The resourceVersion of the last list of a namespace, or of everything: where a watch of it may begin.
    listed_at: dict[str | None, int] = field(default_factory=dict)
    # Schedules of which a look of our own has shown something: when the watch brings it, it will be no news.
    looked_at: set[Key] = field(default_factory=set)
    # Schedules that were planned on what is here: one of which something changes is none of them any more.
    planned: set[Key] = field(default_factory=set)
    _by_uid: dict[str, Entry[T]] = field(default_factory=dict)
    _by_key: dict[Key, dict[str, T]] = field(default_factory=lambda: defaultdict(dict))
    _gone: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _odd: set[str] = field(default_factory=set)
    _shown: OrderedDict[Key, Indexed[T]] = field(default_factory=OrderedDict)

    def put(self, body: Body, schedule: str | None = None) -> Key | None:
        """Take in an object; returns the schedule it is about, or None if it is older than what is known, cannot be
        read, or says nothing new. ``schedule``: whose it is, where no label says so."""
        meta = body["metadata"]
        uid, version = meta["uid"], int(meta["resourceVersion"])
        old = self._by_uid.get(uid)
        if version < self._gone.get(uid, 0) or (old and old.version > version):
            return None
        try:
            self._check_kind(body)
            said = self.schedule_of(body)
            if old and old.version == version and said in ("", old.key.schedule):
                return None
            key, item = Key(meta["namespace"], said or schedule or ""), self.parse(body)
            news = old is None or old.key != key or is_news(old.item, item)
        except Exception:  # one odd object must not stop the work on all others
            self._put_aside(uid, f"{meta['namespace']}/{meta['name']}")
            return None
        self._odd.discard(uid)
        if old and old.key != key:
            self._forget(uid, old)
        self._by_uid[uid] = Entry(key, version, item, self.watches(body))
        self._by_key[key][uid] = item
        self._shown.pop(key, None)
        if news:
            self.planned.discard(key)
        return key if news else None

    def put_planned(self, body: Body) -> None:
        """Take in what was just written as it was planned: that is nothing to plan anew for."""
        old = self._by_uid.get(body["metadata"]["uid"])
        planned = old is not None and old.key in self.planned
        key = self.put(body)
        if key and planned:
            self.planned.add(key)

    def look(self, body: Body) -> Key | None:
        """The same, of what we asked for ourselves."""
        key = self.put(body)
        if key:
            self.looked_at.add(key)
        return key

    def _check_kind(self, body: Body) -> None:
        """Kubernetes' own kinds are not named in lists. Raises TypeError for an object of another kind."""
        if body.get("kind", self.resource.kind) != self.resource.kind:
            raise TypeError(f"a {body['kind']} is not of the kind {self.resource.kind}")

    def _put_aside(self, uid: str, name: str) -> None:
        """What cannot be read is left as it is, and what was known of it stays known: logged once, with the reason."""
        if uid not in self._odd:
            logger.exception("cannot read %s %s: it is left alone", self.resource.plural, name)
        self._odd.add(uid)

    def drop(self, uid: str, version: int = FOR_GOOD) -> Key | None:
        """The object is gone, or has lost the label that we watch by. Nothing older than ``version`` is believed."""
        self._gone[uid] = version
        self._odd.discard(uid)
        while len(self._gone) > TOMBSTONES:
            self._gone.popitem(last=False)
        old = self._by_uid.pop(uid, None)
        if old:
            self._forget(uid, old)
        return old.key if old else None

    def _forget(self, uid: str, entry: Entry[T]) -> None:
        self._shown.pop(entry.key, None)
        self.planned.discard(entry.key)
        mine = self._by_key.get(entry.key, {})
        mine.pop(uid, None)
        if not mine:
            self._by_key.pop(entry.key, None)

    def of(self, key: Key) -> Indexed[T]:
        """The objects of a schedule; as long as none changes, with the indexes that were made of them."""
        shown = self._shown.get(key)
        if shown is None:
            shown = self._shown[key] = Indexed(self._by_key.get(key, {}).values())
            while len(self._shown) > SHOWN:
                self._shown.popitem(last=False)
        return shown

    def get(self, uid: str) -> T | None:
        found = self._by_uid.get(uid)
        return found.item if found else None

    def holds(self, uid: str) -> bool:
        """False for what is gone, and for what cannot be read."""
        return uid in self._by_uid

    def is_unwatched(self, key: Key) -> bool:
        """True if no watch will tell what becomes of one of these: ask for it."""
        return any(not self._by_uid[uid].watched for uid in self._by_key.get(key, {}))

    def last_of(self, key: Key) -> T | None:
        """The object that bears the schedule's name; of two, the one that came later: the other is going."""
        return next(reversed(self.of(key)), None)

    def take(self, bodies: Iterable[Body]) -> tuple[set[str], set[Key]]:
        """Take in a page of a list; returns the uids in it, and the schedules of what has changed."""
        found = {body["metadata"]["uid"]: self.put(body) for body in bodies}
        return set(found), {key for key in found.values() if key}

    def drop_unlisted(
        self, listed: set[str], version: int, namespace: str | None = None, within: Key | None = None
    ) -> set[Key]:
        """Forget what a list made at ``version``, of everything, of one namespace or of one schedule, should show and
        does not: a watch that began anew never tells of that. Returns the schedules of what is gone."""
        gone = [
            (uid, entry.version + 1)
            for uid, entry in self._by_uid.items()
            if entry.watched
            and uid not in listed
            and entry.version <= version
            and within in (None, entry.key)
            and namespace in (None, entry.key.namespace)
        ]
        if namespace is None:
            self._odd &= listed
        return {key for uid, after in gone if (key := self.drop(uid, after))}

    def keys(self) -> set[Key]:
        return set(self._by_key)


def is_news(old: object, new: object) -> bool:
    """False where the resourceVersion alone differs: somebody wrote what no decision looks at."""
    if isinstance(old, CronJob | Job | Pod) and isinstance(new, CronJob | Job | Pod):
        return replace(old, resource_version=new.resource_version) != new
    return type(old) is not type(new) or _without_version(old) != _without_version(new)


def _without_version(item: Any) -> dict[str, Any]:
    parts: dict[str, Any] = vars(item)
    return parts | {"metadata": vars(item.metadata) | {"resource_version": ""}}


def _is_labelled(body: Body) -> bool:
    return names.LABEL_SCHEDULE in (body["metadata"].get("labels") or {})


def _label(body: Body) -> str:
    return str((body["metadata"].get("labels") or {}).get(names.LABEL_SCHEDULE, ""))


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])


def _schedule_name(body: Body) -> str:
    return str(body["spec"]["scheduleName"])


class Store:
    """All kinds together."""

    def __init__(self, bundled_image: str = "", open_runs: int = OPEN_RUNS) -> None:
        """``bundled_image``: what runs agents behind HTTP; ``open_runs``: how many manual runs of a schedule may be
        open."""
        self.open_runs = open_runs
        read = partial(parse.schedule, bundled_image=bundled_image)
        self.schedules = Table[AgentSchedule | Unreadable](resources.SCHEDULES, read, _name)
        self.runs = Table[ScheduleRun](resources.RUNS, parse.run, _schedule_name)
        self.cronjobs = Table[CronJob](resources.CRONJOBS, parse.cronjob, _name, _is_labelled)
        self.jobs = Table[Job](resources.JOBS, parse.job, _label, _is_labelled)
        self.pods = Table[Pod](resources.PODS, parse.pod, _label, _is_labelled)
        # Schedules that were planned, and of which nothing has changed since but pods: those are the runs'.
        self.planned = set[Key]()
        for table in (self.schedules, self.runs, self.cronjobs, self.jobs):
            table.planned = self.planned

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        return (self.schedules, self.runs, self.cronjobs, self.jobs, self.pods)

    def schedule(self, key: Key) -> AgentSchedule | Unreadable | None:
        return self.schedules.last_of(key)

    def take_looked_at(self, key: Key) -> bool:
        """True if looks of our own have shown something of a schedule since this was last asked."""
        found = [table.looked_at for table in self.tables if key in table.looked_at]
        for keys in found:
            keys.discard(key)
        return bool(found)

    def observed(self, key: Key) -> Observed:
        """The snapshot that a decision is made on."""
        return Observed(
            cronjob=self.cronjobs.last_of(key),
            jobs=self.jobs.of(key),
            pods=self.pods.of(key),
            runs=self.runs.of(key),
            open_runs=self.open_runs,
        )

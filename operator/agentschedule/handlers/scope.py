"""Which namespaces are watched: all of the cluster, or those that the settings name and that let the operator in.

A namespace that shuts the operator out stops nothing in the others, and is looked at again every few seconds.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

# Kopf starts and stops watches as this set of its own changes; its type has no public name.
from kopf._cogs.structs.references import Insights, NamespaceName

from agentschedule.errors import Forbidden

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scope:
    """The namespaces to watch."""

    wanted: tuple[str, ...] = ()  # none: the whole cluster
    insights: Insights = field(default_factory=Insights)
    _open: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)

    @property
    def parts(self) -> tuple[str | None, ...]:
        """What is listed and watched one by one; None is the whole cluster."""
        return self.wanted or (None,)

    @property
    def open(self) -> tuple[str, ...]:
        return tuple(namespace for namespace in self.wanted if namespace in self._open)

    @property
    def shut(self) -> tuple[str, ...]:
        return tuple(namespace for namespace in self.wanted if namespace not in self._open)

    def watch(self, plural: str, namespace: str | None) -> str:
        """What the watch of a kind is called that brings the objects of a namespace."""
        return f"{plural} in namespace {namespace}" if self.wanted else plural

    async def let_in(self, namespace: str | None) -> None:
        """It could be listed: Kopf watches it from now on."""
        if namespace is None or namespace in self._open:
            return
        logger.info("namespace %s is watched", namespace)
        self._open.add(namespace)
        self._refused.discard(namespace)
        await self._revise()

    async def shut_out(self, namespace: str, error: Forbidden) -> None:
        """It could not be listed, for want of rights: logged once, and Kopf's watches of it end."""
        if namespace not in self._refused:
            logger.warning(
                "namespace %s of watchNamespaces is not watched: it does not exist, or has no Role and RoleBinding of "
                "the chart (%s). It will be as soon as it can be read.",
                namespace,
                error,
            )
        self._refused.add(namespace)
        if namespace in self._open:
            self._open.discard(namespace)
            await self._revise()

    async def _revise(self) -> None:
        async with self.insights.revised:
            self.insights.namespaces.clear()
            self.insights.namespaces.update(NamespaceName(namespace) for namespace in self._open)
            self.insights.revised.notify_all()

"""Objects of one schedule that are found by a key, however many a user makes: n decisions cost n, not n times n."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Indexed(tuple[T, ...]):
    """A tuple with indexes; each is made when it is first asked for, and stays for as long as the tuple does."""

    @cached_property
    def _made(self) -> dict[Any, Any]:
        return {}

    def once(self, make: Callable[[Indexed[T]], R]) -> R:
        """What a function makes of the items, kept. It is known by itself: give one that is defined once."""
        if make not in self._made:
            self._made[make] = make(self)
        made: R = self._made[make]
        return made

    def by(self, key: Callable[[T], str | None]) -> Mapping[str, tuple[T, ...]]:
        """The items by a key, in order, without those whose key is None; kept as above."""
        if key not in self._made:
            found: dict[str, list[T]] = defaultdict(list)
            for item in self:
                if (name := key(item)) is not None:
                    found[name].append(item)
            self._made[key] = {name: tuple(items) for name, items in found.items()}
        index: Mapping[str, tuple[T, ...]] = self._made[key]
        return index

    def one(self, key: Callable[[T], str | None], name: str | None) -> T | None:
        """The first item of this key."""
        found = self.by(key).get(name) if name is not None else None
        return found[0] if found else None


def indexed(items: Iterable[T]) -> Indexed[T]:
    """The same items with indexes: those that they have, if they have any."""
    return items if isinstance(items, Indexed) else Indexed(items)

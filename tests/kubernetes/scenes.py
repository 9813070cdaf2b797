"""Scenes that are played side by side, so that the waiting of one module's tests overlaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tests.kubernetes.lab import Lab

T = TypeVar("T")
Scene = Callable[[Lab, str], T]


class Played:
    """The scenes under way."""

    def __init__(self, lab: Lab, futures: dict[Scene, Future]) -> None:
        """Keep the lab at hand for what a test asks after its scene."""
        self.lab, self._futures = lab, futures

    def end(self, scene: Scene[T]) -> T:
        """Wait until a scene is over; its failure is the test's."""
        return self._futures[scene].result()


@contextmanager
def play(lab: Lab, image: str, *scenes: Scene) -> Iterator[Played]:
    """Begin all scenes at once."""
    with ThreadPoolExecutor(len(scenes)) as pool:
        yield Played(lab, {scene: pool.submit(scene, lab, image) for scene in scenes})

"""One line per step, with its seconds: used by whatever takes long enough for a person to wonder."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools.cluster.paths import CACHE


def say(text: str) -> None:
    """Progress goes to stderr: stdout belongs to what a command was asked to print."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print `text …`, run the block, end the line with its seconds or with the failure."""
    print(f"{text} … ", end="", file=sys.stderr, flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"failed after {time.monotonic() - start:.0f} s")
        raise
    seconds = time.monotonic() - start
    say(f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock shared by all processes of this user: two test workers never build the same thing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

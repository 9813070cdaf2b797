"""What ends a command: one sentence and an exit code."""

from __future__ import annotations

FAILED = 1  # the cluster said no, or cannot be asked
USAGE = 2  # the command itself is wrong; also argparse's


class CommandError(Exception):
    """The message is the sentence for the user; ``code`` is the exit code."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


class NotThere(CommandError):
    """The cluster does not have the object of that name."""

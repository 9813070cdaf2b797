"""What all unit tests share."""

from tests import patience

__all__ = ["patience"]

"""What a benchmark has found: ours, its anchor from the same run, their ratio, and the goal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

PLACE = Path("build/benchmarks")


@dataclass(frozen=True)
class Figure:
    """One result; without an anchor the goal is one of ours, else of the ratio."""

    what: str
    ours: float
    unit: str
    anchor: float | None = None
    goal: float | None = None

    @property
    def judged(self) -> float:
        return self.ours / self.anchor if self.anchor else self.ours

    @property
    def missed(self) -> bool:
        return self.goal is not None and self.judged > self.goal

    def __str__(self) -> str:
        beside = f"{self.anchor:10.1f} {self.unit:4} × {self.judged:6.1f}" if self.anchor else " " * 25
        wanted = f"  goal {self.goal:g}{' MISSED' if self.missed else ''}" if self.goal is not None else ""
        return f"{self.what:48}{self.ours:10.1f} {self.unit:4}{beside}{wanted}"


def report(name: str, figures: Sequence[Figure]) -> int:
    """Print them, and leave them in build/benchmarks/NAME.json. Returns 1 if a goal is missed."""
    print(f"{name}: ours, the anchor from the same run, and the ratio")
    for figure in figures:
        print(f"  {figure}")
    PLACE.mkdir(parents=True, exist_ok=True)
    (PLACE / f"{name}.json").write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    return int(any(figure.missed for figure in figures))


def p50(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[49]


def p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98]

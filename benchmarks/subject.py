"""A subject, its variants as data, and how rounds of figures become rows of the table."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Figures = dict[str, float]
"""What one measurement gives: numbers by name."""
Round = dict[str, Figures]
"""One round of a subject: the figures of each variant."""


@dataclass(frozen=True)
class Goal:
    """What a comparison should reach, and what it must."""

    goal: float
    limit: float
    at_least: bool = False
    """Whether more is better."""

    def verdict(self, value: float) -> str:
        """`met`, `within the limit` or `MISSED`."""
        if self._holds(value, self.goal):
            return "met"
        return "within the limit" if self._holds(value, self.limit) else "MISSED"

    def _holds(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.goal:g}" + ("" if self.goal == self.limit else f", limit {self.limit:g}")


@dataclass(frozen=True)
class Comparison:
    """One row of the table: a figure of a variant beside the same figure of another in the same round."""

    what: str
    variant: str
    figure: str
    unit: str
    beside: str | None = None
    """The variant that it is compared with; None: the figure stands for itself."""
    difference: bool = False
    """Whether it is the difference to that variant instead of the ratio."""
    goal: Goal | None = None

    def row(self, rounds: Sequence[Round]) -> tuple[str, ...]:
        """The cells of the table, medians over the rounds."""
        values = [figures[self.variant][self.figure] for figures in rounds]
        compared = [self._compare(figures) for figures in rounds]
        middle = median(compared)
        sign = "+" if self.difference else "x "
        spread = f"{sign}{middle:.2f} [{min(compared):.2f}..{max(compared):.2f}]"
        return (
            self.what,
            self.variant,
            f"{_number(median(values))} {self.unit}",
            "" if self.beside is None else spread,
            "" if self.beside is None else self.beside,
            "" if self.goal is None else str(self.goal),
            "" if self.goal is None else self.goal.verdict(middle),
        )

    def _compare(self, figures: Mapping[str, Figures]) -> float:
        value = figures[self.variant][self.figure]
        if self.beside is None:
            return value
        other = figures[self.beside][self.figure]
        return value - other if self.difference else value / other


HEADINGS = ("what", "variant", "absolute", "compared", "with", "goal", "")


@dataclass(frozen=True)
class Subject:
    """Something that is measured: once per variant and round, each time in a process of its own."""

    name: str
    variants: tuple[str, ...]
    measure: Callable[[str, bool], Figures]
    """Called in that process with the variant and whether a small count will do."""
    comparisons: tuple[Comparison, ...]
    max_rounds: int = 1000


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows under headings, as a Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [headings, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"

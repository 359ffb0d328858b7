"""A median with what lies around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Spread:
    """A median with its quartiles and extremes."""

    median: float
    low: float
    high: float
    least: float
    most: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        low, middle, high = quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else [samples[0]] * 3
        return cls(middle, low, high, min(samples), max(samples))

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> "Spread":
        """Give the ratio of two series of interleaved rounds, taken round by round: what slowed a round slowed both."""
        return cls.of([over / under for over, under in zip(above, below, strict=True)])

    def __str__(self) -> str:
        return f"{number(self.median)} [{number(self.low)} to {number(self.high)}]"


def number(value: float) -> str:
    """Give a number with about three digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"

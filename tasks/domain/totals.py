"""What a run cost in all: time, tokens, device hours, and with a price what an accepted row cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

from tasks.domain.run_result import RunResult

HOUR_S = 3600


@dataclass(frozen=True)
class Totals:
    """Sums over all rows of a run; phases that came from the store count with what they first took.

    A device is a GPU, or the machine where there is none. `price` is that of a device hour, None where it is not set.
    """

    seconds: float
    tokens: int  # prompts and completions of the E-steps and of the evaluations on test
    device_seconds: float
    accepted: int  # training rows, of all iterations
    price: float | None = None

    @property
    def device_hours(self) -> float:
        return self.device_seconds / HOUR_S

    @property
    def cost(self) -> float:
        """Return the price of all device hours; NaN without a price."""
        return nan if self.price is None else self.price * self.device_hours

    @property
    def cost_per_row(self) -> float:
        """Return what one accepted row cost; NaN without a price or without rows."""
        return self.cost / self.accepted if self.accepted else nan

    @property
    def device_seconds_per_row(self) -> float:
        """Return the device time behind one accepted row; NaN without rows."""
        return self.device_seconds / self.accepted if self.accepted else nan


def totals_of(result: RunResult) -> Totals:
    """Add up a run. Results of before devices were noted count one device."""
    seconds = sum(sum(row.seconds.values()) for row in result.rows)
    devices = sum(sum((row.device_seconds or row.seconds).values()) for row in result.rows)
    kept = sum(row.kept_examples or 0 for row in result.iterations)
    return Totals(seconds, sum(row.tokens for row in result.rows), devices, kept, _price(result.config))


def _price(config: Mapping[str, Any]) -> float | None:
    price = config.get("run", {}).get("price_per_device_hour")
    return None if price is None else float(price)

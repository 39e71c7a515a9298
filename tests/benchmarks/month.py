"""A month of nights, 31 by their dates, with everything real but the model's answers and the clock: what a store grows to.

History 7, the gate on, a budget in tokens every sixth night and in hours on one, three nights cut off (two resumed, one dropped),
gc after each. `tests.month` checks each night; this adds sizes by night, as a table and as a plot (.restem/bench/month.png).
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Any

from flows.run.preflight import preflight
from flows.run.run import Stages
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome
from tests.handmade import Direct
from tests.month import SKILLS, Month, Plan, Sizes, month_config, open_month
from tests.rig import tiny_base

SEED, NIGHTS, HISTORY = 31, 31, 7
CUT_OFF = {9: "resume", 17: "drop", 24: "resume"}
PLOT = Path(".restem/bench/month.png")


class Trained(Direct):
    """Every stage for real, the training in its child process too."""

    def stage(self, stages: Stages, stage: Stage, job: Any) -> Outcome:
        return stage.run(job)


def plans() -> list[Plan]:
    """What each date brings; the seed was chosen before the first run."""
    rng = random.Random(SEED)
    spends = dict.fromkeys(range(6, NIGHTS + 1, 6), "tokens") | {14: "hours"}
    return [Plan(rng.randrange(len(SKILLS)), "" if number in CUT_OFF or number - 1 in CUT_OFF else spends.get(number, ""),
                 CUT_OFF.get(number, "")) for number in range(1, NIGHTS + 1)]  # fmt: skip


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        month = open_month(preflight(month_config(folder, tiny_base(folder / "base"))), Trained(), HISTORY)
        began = time.monotonic()
        for number, plan in enumerate(plans(), start=1):
            month.spend(f"2026-01-{number:02d}", plan)
            print(row(month.sizes[-1]), flush=True)
        plot(month.sizes)
        return figures(month, time.monotonic() - began)


def row(one: Sizes) -> str:
    return f"| {one.night} | {one.status} | {one.before / 2**20:.2f} | {one.after / 2**20:.2f} | {one.weights / 2**20:.2f} | {one.policies} |"


def figures(month: Month, seconds: float) -> dict[str, Any]:
    weights = [one.weights for one in month.sizes]
    rest = [one.after - one.weights for one in month.sizes]
    return {
        "nights": len(month.sizes), "promoted": len(month.told), "statuses": [one.status for one in month.sizes],
        "most_weights_mib": round(max(weights) / 2**20, 3), "weights_at_the_end_mib": round(weights[-1] / 2**20, 3),
        "rest_mib_a_night": round((rest[-1] - rest[0]) / 2**20 / (len(rest) - 1), 3),
        "removed_mib": round(sum(one.before - one.after for one in month.sizes) / 2**20, 3), "seconds": round(seconds, 1),
    }  # fmt: skip


def plot(sizes: list[Sizes]) -> None:
    """Sizes by night: before gc, after it, and what of that are weights."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3), dpi=150)
    nights = range(1, len(sizes) + 1)
    for label, style, values in (
        ("before gc", ":", [one.before for one in sizes]), ("after gc", "-", [one.after for one in sizes]),
        ("weights after gc", "--", [one.weights for one in sizes]),
    ):  # fmt: skip
        axes.plot(nights, [value / 2**20 for value in values], style, label=label)
    axes.set(xlabel="night", ylabel="MiB", ylim=(0, None), xlim=(1, len(sizes)))
    axes.legend(frameon=False)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, bbox_inches="tight")

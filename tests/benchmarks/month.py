"""A month of nights, 31 by their dates, with everything real but the model's answers, the clock and (without --train) the weights.

`python -m tests.benchmarks.month [--train] [--nights 6]`. History 7, the gate on, a budget in tokens every sixth night and in hours on one, three
nights cut off (two resumed, one dropped), gc after each. `tests.month` checks each night; this adds what the store grows to, as a
table and as a plot (.restem/bench/month.png). --train trains each night for real, which takes four times as long.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from flows.loop.series import Series
from flows.run.preflight import preflight
from flows.run.run import Stages
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome
from tests.handmade import Direct, made_up_base, unlooked
from tests.month import NAME, SKILLS, Month, Plan, Sizes, month_config, open_month
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


def main(trains: bool = False, nights: int = NIGHTS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = month_config(folder, tiny_base(folder / "base") if trains else made_up_base(folder / "base"))
        month = open_month(
            preflight(config) if trains else unlooked(config), Trained() if trains else Direct(), HISTORY
        )
        began = time.monotonic()
        for number, plan in enumerate(plans()[:nights], start=1):
            month.spend(f"2026-01-{number:02d}", plan)
            print(row(month.sizes[-1]), flush=True)
        plot(month.sizes, config.finetune.checkpoints)
        return figures(month, time.monotonic() - began)


def row(one: Sizes) -> str:
    rest = (one.after - one.weights) / 2**20
    return f"| {one.night} | {one.status} | {one.policies} | {rest:.2f} |"


def figures(month: Month, seconds: float) -> dict[str, Any]:
    rest = [(one.after - one.weights) / 2**20 for one in month.sizes]
    trained = sum(1 for one in Series(month.store, NAME).all() if one.policy)
    return {
        "nights": len(month.sizes), "promoted": len(month.told), "statuses": dict(Counter(one.status for one in month.sizes)),
        "policies_trained": trained * month.checked.config.finetune.checkpoints, "most_policies_after_gc": max(one.policies for one in month.sizes),
        "policies_at_the_end": month.sizes[-1].policies, "rest_mib": round(rest[-1], 2),
        "rest_mib_a_night": round((rest[-1] - rest[0]) / (len(rest) - 1), 3), "seconds": round(seconds, 1),
    }  # fmt: skip


def plot(sizes: list[Sizes], epochs: int) -> None:
    """By night: policies with weights, with gc and without it, and what else the store holds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 2.6), dpi=130)
    nights = list(range(1, len(sizes) + 1))
    left.plot(nights, [one.trained * epochs for one in sizes], ":", color="0.4", label="trained")
    left.plot(nights, [one.policies for one in sizes], color="#1f5fa8", label="after gc")
    left.set(xlabel="night", title="policies with weights", ylim=(0, None), xlim=(1, len(sizes)))
    left.legend(frameon=False)
    right.plot(nights, [(one.after - one.weights) / 2**20 for one in sizes], color="#1f5fa8")
    right.set(xlabel="night", title="samples, verdicts, data sets, records (MiB)", ylim=(0, None), xlim=(1, len(sizes)))
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, bbox_inches="tight")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--nights", type=int, default=NIGHTS, help="only the first so many")
    given = parser.parse_args()
    print(json.dumps(main(given.train, given.nights), indent=1))

"""A trial of a config: its own settings on a few problems for one iteration, so that everything a night needs has been used once."""

from __future__ import annotations

from typing import Any

from flows.config import RunConfig, config_with, make_config

PROBLEMS = {"train": 20, "val": 10, "test": 20}


def trial_of(config: RunConfig) -> RunConfig:
    """Return the config of the trial: the first problems of each set, one iteration, a run of its own in the same store.

    Model, engine, sampling and training stay as they are, so what the trial draws is used again by the run, and the rates that
    it measures refine the plan of the run.
    """
    transfer = {name: {"limit": _fewer(one.limit, PROBLEMS["test"])} for name, one in config.data.transfer.items()}
    own: dict[str, Any] = {
        "run": {"name": f"{config.run.name[:60]}-try"},
        "data": {split: {"limit": _fewer(getattr(config.data, split).limit, most)} for split, most in PROBLEMS.items()}
        | {"transfer": transfer},
        "loop": {"iterations": min(config.loop.iterations, 1)},
    }
    return make_config(config_with(config.model_dump(mode="json"), own))


def _fewer(limit: int | None, most: int) -> int:
    return most if limit is None else min(limit, most)

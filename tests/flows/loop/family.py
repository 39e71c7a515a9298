"""Runs of any method on recorded samples: stages, store and loop are real, weights are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from flows.config import RunConfig
from tasks.data.sources import load_problems
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.prompts import template_named
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Example, Hint, Sample, Verdict, to_table
from tasks.store.artifacts import Manifest, Store
from tasks.store.manifest import key_of
from tests.handmade import made_up_base, run_directly
from tests.rig import recipes, record, recorded_samples, small_config

TRAIN = 12


def method_config(folder: Path, preset: str, **sections: dict[str, Any]) -> RunConfig:
    """A small run of a method: 12 problems, one wave of 4 unless `sections` say otherwise."""
    folder.mkdir(exist_ok=True)
    tree: dict[str, dict[str, Any]] = {
        "run": {"preset": preset},
        "data": {"train": {"split": "train", "limit": TRAIN}},
        "generate": {"waves": (4,)},
        "loop": {},
    }
    for name, values in sections.items():
        tree[name] = {**tree.get(name, {}), **values}
    tree["run"] = {"name": "small", "store": str(folder / "store"), "scratch": str(folder / "scratch"), **tree["run"]}
    return small_config(folder, made_up_base(folder / "base"), **tree)


def run_method(
    folder: Path, preset: str, solve_rate: float = 0.5, **sections: dict[str, Any]
) -> tuple[RunConfig, RunResult]:
    """Record what a policy answers, and run the method."""
    config = method_config(folder, preset, **sections)
    record(config, solve_rate)
    if config.loop.hint != "none":
        record_hinted(config, config.loop.hint)
    return config, run_directly(config)


def record_hinted(config: RunConfig, hint: Hint) -> None:
    """Record a right answer to every hinted prompt."""
    template = template_named(config.model.prompt)
    sampling = config.generate.sampling(template.stop)
    rows = []
    for problem in load_problems(config.data.train, "train"):
        prompt = digest_of_text(template.render(problem, config.model.shots, hint))
        found = recorded_samples(config, problem, sampling, 1, 1.0, 7)
        rows += [replace(one, prompt_digest=prompt, text=f"1+1=2\n#### {problem.gold}") for one in found]
    pq.write_table(to_table(rows, Sample), Path(str(config.engine.replay_path)) / "hinted.parquet")


def manifest(config: RunConfig, number: int, stage: str) -> Manifest:
    """What an iteration stored of a stage."""
    store = Store(config.run.store)
    recipe = store.read_json(f"runs/small/recipes/{f'iteration-{number}' if number else 'base'}/{stage}.json")
    assert recipe is not None
    found = store.lookup(stage, key_of(recipe))
    assert found is not None
    return found


def verdicts(config: RunConfig, number: int) -> dict[str, dict[int, Verdict]]:
    """What an iteration's first tries on train problems were graded: problem -> index -> verdict."""
    store = Store(config.run.store)
    found: dict[str, dict[int, Verdict]] = {}
    for slot, recipe in recipes(store).items():
        if slot.startswith(f"iteration-{number}/train/") and slot.endswith("verify"):
            made = store.lookup("verify", key_of(recipe))
            assert made is not None
            for row in store.rows(store.ref(made), Verdict):
                found.setdefault(row.problem_id, {})[row.index] = row
    return found


def kept(config: RunConfig, number: int) -> dict[str, list[int]]:
    """Which samples of each problem became rows of an iteration."""
    found: dict[str, list[int]] = {}
    for row in rows(config, number):
        found.setdefault(row.problem_id, []).append(row.index)
    return found


def rows(config: RunConfig, number: int) -> list[Example]:
    """The data set of an iteration."""
    store = Store(config.run.store)
    found: list[Example] = store.rows(store.ref(manifest(config, number, "materialize")), Example)
    return found

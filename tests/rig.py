"""What the end-to-end tests share: a tiny base model, recorded samples for the replay engine, and the real command.

The replay engine stands in where sampling is not the point (kills, invalidation, faults); everything else is real.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from flows.config import RunConfig, make_config
from tasks.data.sources import load_problems
from tasks.domain.chat_template import template_of
from tasks.domain.fingerprint import digest_of, digest_of_text
from tasks.domain.schema import Problem, Sample, Sampling, to_table
from tasks.store.artifacts import Store
from tests.command import MARK, processes_marked, restem


def tiny_base(folder: Path, task: str = "arithmetic") -> Path:
    """A random Llama of 50k parameters with the character tokenizer of a demo."""
    import torch

    from tasks.engines.training.pretrain import PretrainRecipe, character_tokenizer, tiny_llama

    torch.manual_seed(0)
    tokenizer = character_tokenizer(task)
    recipe = PretrainRecipe(str(folder), 1, 0, hidden_size=32, intermediate_size=64, layers=2, heads=1)
    tiny_llama(recipe, tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def small_config(folder: Path, base: Path, **sections: dict[str, Any]) -> RunConfig:
    """One iteration on a few arithmetic problems, answered from `folder/recorded`."""
    tree: dict[str, dict[str, Any]] = {
        "run": {"name": "small", "store": str(folder / "store"), "scratch": str(folder / "scratch")},
        "model": {"base": str(base)},
        "data": {"train": {"split": "train", "limit": 24}, "val": {"split": "val", "limit": 6}, "test": {"split": "test", "limit": 8}},
        "generate": {"waves": (4, 4), "max_tokens": 64, "range_size": 8, "flush_seconds": 0.0001},
        "engine": {"kind": "replay", "replay_path": str(folder / "recorded")},
        "verify": {"workers": 1},
        "materialize": {"cap": 3},
        "finetune": {"epochs": 2, "learning_rate": 1e-3, "max_length": 128},
        "evaluate": {"samples": 4, "k": (1, 4), "max_tokens": 64, "bootstrap": 200, "val_samples": 2},
        "loop": {"iterations": 1},
        "retry": {"retries": 0},
    }  # fmt: skip
    for name, values in sections.items():
        tree[name] = {**tree.get(name, {}), **values}
    return make_config(tree)


def record(config: RunConfig, solve_rate: float = 0.5, seed: int = 0) -> Path:
    """Write the samples a synthetic policy would give: right with `solve_rate`, else off by one, all of them distinct."""
    stop = template_of(config.model).stop
    wanted = [
        (config.data.train, "train", [config.generate.sampling(stop)], sum(config.generate.waves)),
        (config.data.val, "val", [config.evaluate.sampling(stop)], config.evaluate.val_samples),
        (
            config.data.test,
            "test",
            [config.evaluate.sampling(stop), config.evaluate.greedy_sampling(stop)],
            config.evaluate.samples,
        ),
    ]
    rows = [
        row
        for source, split, samplings, count in wanted
        for problem in load_problems(source, split)  # type: ignore[arg-type]
        for sampling in samplings
        for row in recorded_samples(config, problem, sampling, count, solve_rate, seed)
    ]
    folder = Path(str(config.engine.replay_path))
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(to_table(rows, Sample), folder / f"part-{digest_of([solve_rate, seed, count_of(rows)])}.parquet")
    return folder


def count_of(rows: list[Sample]) -> int:
    return len(rows)


def recorded_samples(
    config: RunConfig, problem: Problem, sampling: Sampling, count: int, solve_rate: float, seed: int
) -> list[Sample]:
    prompt = template_of(config.model).render(problem, config.model.shots)
    rng = random.Random(f"{problem.id}/{seed}")
    rows = []
    for index in range(count):
        answer = int(str(problem.gold)) + (0 if rng.random() < solve_rate else 1)
        text = f"{rng.randint(0, 999)}+{rng.randint(0, 999)}={index}\n#### {answer}"
        rows.append(
            Sample(
                problem.id,
                "",
                index,
                text,
                "stop",
                None,
                10,
                len(text),
                digest_of_text(prompt),
                "recorded",
                digest_of(sampling),
            )
        )
    return rows


@dataclass(frozen=True)
class Command:
    """The real `restem` with an environment of its own; `mark` finds its processes again."""

    folder: Path
    api_url: str
    mark: str = "test"

    def environment(self, **extra: str) -> dict[str, str]:
        return {
            **os.environ, "PREFECT_API_URL": self.api_url, "PREFECT_LOGGING_LEVEL": "WARNING", MARK: self.mark,
            "OMP_NUM_THREADS": "2", **extra,
        }  # fmt: skip

    def run(self, *arguments: str, timeout: float = 300, **extra: str) -> subprocess.CompletedProcess[str]:
        return restem(*arguments, environment=self.environment(**extra), timeout=timeout)

    def processes(self) -> list[psutil.Process]:
        """Living processes that carry the mark."""
        return processes_marked(self.mark)


def snapshot(store_root: Path) -> dict[str, str]:
    """sha256 of every stored part and manifest (what a run may never rewrite)."""
    files = [path for path in store_root.rglob("*") if path.is_file() and "/runs/" not in str(path)]
    return {
        str(path.relative_to(store_root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if not path.name.endswith(".tmp")
    }


def manifests(store: Store, stage: str) -> dict[str, dict[str, Any]]:
    """Committed manifests of a stage by key."""
    found = {key: store.read_json(f"{stage}/{key}/manifest.json") for key in store.listdir(stage)}
    return {key: manifest for key, manifest in found.items() if manifest is not None}


def recipes(store: Store, run: str = "small") -> dict[str, dict[str, Any]]:
    """slot -> recipe of the run, as the stages left them."""
    root = Path(store.root) / "runs" / run / "recipes"
    return {str(path.relative_to(root))[: -len(".json")]: json.loads(path.read_text()) for path in root.rglob("*.json")}

"""Parts `iteration` and `full`: `restem run` as a person starts it, in a process of its own, and what its records say.

Everything a run makes is in its store, so a part that was cut short goes on where it stopped when its command is given again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.checks.memory import shape_of, training_bytes
from tasks.domain.settings import FinetuneSettings
from tasks.processes.guard import PROJECT_ROOT, spawn
from tasks.store.places import RunPlaces
from tests.gpu.results import PartFailed
from tests.gpu.settings import PARTS as PARTS_TABLE
from tests.gpu.settings import SMALL, Smoke

CONFIGS = PROJECT_ROOT / "deployments" / "configs"
LAST_WORDS_S = 15.0  # kept back from the time that is left, to end the run and to read what it has
LEAST_S = 5.0


@dataclass(frozen=True)
class Loop:
    """The folder of the runs' store, which outlives the command."""

    settings: Smoke
    folder: Path
    began: float  # clock time

    def time_left(self, part: str) -> float:
        """Return the seconds that a command may take and still leave time to read what it did."""
        until = self.began + PARTS_TABLE[part].limit_s
        return max(LEAST_S, min(until, self.settings.until or until) - time.time() - LAST_WORDS_S)

    @property
    def store(self) -> Path:
        return self.folder / "loop-store"


@contextmanager
def opened(settings: Smoke) -> Iterator[Loop]:
    yield Loop(settings, settings.folder / "work", time.time())


def iteration(bench: Loop) -> Mapping[str, Any]:
    """Run one ReST-EM iteration: the base is evaluated, samples are drawn, checked and trained on, the policy is evaluated."""
    return _run(bench, "smoke", smoke_settings(bench.settings), bench.settings.loop_config)


def full(bench: Loop) -> Mapping[str, Any]:
    """Run three rounds on all of GSM8K for each seed; a seed that is complete costs nothing the next time."""
    smoke = bench.settings
    if smoke.model is None or smoke.problems is None:
        raise PartFailed("the full run needs --model and --problems", {})
    figures: dict[str, Any] = {}
    for seed in smoke.seeds:
        seeded = {"loop.draw": f"seed-{seed}", "finetune.seed": seed, "materialize.seed": seed, **_places(smoke)}
        try:
            figures[f"seed {seed}"] = _run(bench, f"full-seed-{seed}", seeded, "gsm8k-gpu-full")
        except PartFailed as fault:
            raise PartFailed(
                f"seed {seed}: {fault}", {**figures, f"seed {seed}": fault.figures}, fault.state
            ) from fault
    return figures


def smoke_settings(smoke: Smoke) -> dict[str, Any]:
    """Return what the one iteration changes of its config; without model and problems it is the demo's, said aloud by the caller."""
    if smoke.model is not None and smoke.problems is not None:
        return {"data.train.limit": smoke.loop_problems, "engine.enforce_eager": smoke.eager, **_places(smoke)}
    changed: dict[str, Any] = {
        "loop.iterations": 1,
        "data.train.limit": smoke.loop_problems,
        "engine.enforce_eager": smoke.eager,
    }
    if smoke.layers == SMALL["layers"]:  # on two CPU cores
        changed |= {"model.pretrain_steps": 400, "data.val.limit": 10, "data.test.limit": 20, "finetune.epochs": 1, "evaluate.samples": 4,
                    "evaluate.k": [1, 4]}  # fmt: skip
    return changed


def config_of(smoke: Smoke, wanted: str) -> Path:
    return CONFIGS / f"{wanted if smoke.model and smoke.problems else 'demo'}.toml"


def _places(smoke: Smoke) -> dict[str, Any]:
    train = f"{smoke.problems}/train.jsonl"
    return {
        "model.base": smoke.model, "data.train.path": train, "data.val.path": train, "data.test.path": f"{smoke.problems}/test.jsonl"
    }  # fmt: skip


def _run(bench: Loop, name: str, changed: Mapping[str, Any], config: str) -> dict[str, Any]:
    """Run the command for as long as there is time, then return what its records hold."""
    changed = {"run.name": name, "run.store": bench.store, "run.scratch": bench.folder / "loop-scratch", **changed}
    sets = [word for key, value in changed.items() for word in ("--set", f"{key}={_text(value)}")]
    file = config_of(bench.settings, config)
    argv = [sys.executable, "-m", "flows.cli.main", "run", "-v", str(file), *sets]
    started = time.monotonic()
    with spawn(
        argv,
        env={"PREFECT_HOME": str(bench.folder / "prefect")},
        log_path=bench.folder / "restem.log",
        cwd=bench.folder,
    ) as child:
        try:
            code = child.wait(bench.time_left("full" if name.startswith("full") else "iteration"))
        except subprocess.TimeoutExpired:
            child.stop(grace_s=5)
            code = None
        last = next((line for line in reversed(child.log_tail(40).splitlines()) if line.strip()), "")
    figures = {"config": file.name, "command_s": round(time.monotonic() - started, 1), **read_run(bench.store, name)}
    if code is None:
        raise PartFailed("its time was over; the same command goes on from what is stored", figures, "timed out")
    if code != 0:
        raise PartFailed(f"restem run ended with code {code}: {last[:400]}", figures)
    return figures


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | list) else str(value)


def read_run(store: Path, name: str) -> dict[str, Any]:
    """Return what a run's records say, however far it came."""
    file = store / RunPlaces(name).result
    if not file.is_file():
        return {}
    told = json.loads(file.read_text())
    rows = [told["base"], *told["iterations"]]
    return {
        "status": told["status"], "policies": {_name(row): _row(row) for row in rows}, "trainings": trainings(store),
        "differences_to_base": {f"{one['number']} {one['metric']}": _points(one["interval"]) for one in told["differences"]},
    }  # fmt: skip


def _name(row: Mapping[str, Any]) -> str:
    return "base" if row["number"] == 0 else f"iteration {row['number']}"


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    test, seconds = row["test"] or {}, row["seconds"]
    found: dict[str, Any] = {
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "cached": row["cached"],
    }
    found |= {
        "greedy": _share(test.get("greedy")),
        "sampled": _share(test.get("sampled")),
        "test_problems": test.get("problems"),
    }
    if row["number"]:
        tokens = row["train"]["completion_tokens"]
        found |= {
            "train_accuracy": _share(row["train_accuracy"]), "samples": row["train"]["samples"], "kept": (row["selection"] or {}).get("kept"),
            "completion_tokens": tokens, "optimizer_steps": row["steps"],
        }  # fmt: skip
        if seconds.get("E-step") and not row["cached"].get("E-step"):
            found["estep_tokens_per_s"] = round(tokens / seconds["E-step"])
    return found


def _share(interval: Mapping[str, float] | None) -> str:
    return (
        ""
        if interval is None
        else f"{100 * interval['value']:.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"
    )


def _points(interval: Mapping[str, float]) -> str:
    return f"{100 * interval['value']:+.1f} [{100 * interval['low']:+.1f}, {100 * interval['high']:+.1f}]"


def trainings(store: Path) -> list[dict[str, Any]]:
    """Return seconds, tokens and peak memory of the store's trainings, each beside the prediction for its settings."""
    found = []
    for file in sorted(store.glob("finetune/*/manifest.json")):
        told = json.loads(file.read_text())
        meta, peak = told["meta"], told["meta"].get("peak_bytes", 0)
        found.append({"key": told["key"], "tokens": meta["tokens"], "train_seconds": meta["train_seconds"], "peak_gib": round(peak / 2**30, 2),
                      "predicted_gib_at_max_length": _predicted(told)})  # fmt: skip
    return found


def _predicted(manifest: Mapping[str, Any]) -> float | None:
    """Return the prediction for rows of full length, which is the most; None where the base's folder is gone."""
    base = Path(manifest["meta"]["start"]["uri"])
    if not list(base.glob("*.safetensors")):
        return None
    names = FinetuneSettings.model_fields
    settings = FinetuneSettings(
        **{name: value for name, value in manifest["recipe"]["settings"].items() if name in names}
    )
    gpu = "+cpu" not in str(manifest["meta"]["environment"]["libraries"].get("torch"))
    return round(training_bytes(shape_of(base), settings, settings.max_length, gpu=gpu) / 2**30, 2)


PARTS = {"iteration": iteration, "full": full}

"""Makes `store/` and `digests.json` beside this file: two small runs, a night's record and a promoted policy.

    git worktree add OLD bef5673
    cd OLD && PYTHONPATH=OLD CHECKOUT/.venv/bin/python CHECKOUT/tests/old_store/make.py CHECKOUT/tests/old_store

It runs the code of the checkout on PYTHONPATH, whichever that is. What is committed was made by bef5673: the stages, keys
and digests are its own. Only the weights are made up, and `neutral` writes one name for the folder, the host and the
moments. The samples in the store are the recorded answers too, so that a later checkout can replay them.

The reward is one of its own, by name and with a version that nobody raises: the project's rewards may learn, the keys
here must not notice.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import secrets
import shutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ANYWHERE = "/any/folder"  # stands in the stored files for the folder that holds the store
MOMENT = 1_764_000_000.0
REWARD, NIGHT = "last_number_of_old_store", "2026-01-01"


def last_number(problem: Any, text: str) -> Any:
    """A solution is right when its last number is the gold, and unparseable without a number."""
    from tasks.domain.rewards.base import Decision

    numbers = re.findall(r"-?\d+", text)
    if not numbers:
        return Decision("unparseable", {"rule": "no_number"})
    label = "correct" if numbers[-1] == problem.gold else "wrong"
    return Decision(label, {"rule": "last_number", "answer": numbers[-1]})


last_number.version = "1"  # type: ignore[attr-defined]
last_number.reads = lambda problem: (problem.id, problem.gold, problem.tests)  # type: ignore[attr-defined]


def tree(folder: Path, recorded: Path, name: str = "small", **sections: dict[str, Any]) -> dict[str, Any]:
    """The config of a run in `folder/store`: three iterations, two ranges, three waves that problems drop out of."""
    register_reward()
    settings: dict[str, Any] = {
        "run": {"name": name, "store": str(folder / "store"), "scratch": str(folder / "scratch")},
        "model": {"base": str(HERE / "base")},
        "data": {"train": {"split": "train", "limit": 10}, "val": {"split": "val", "limit": 4}, "test": {"split": "test", "limit": 5}},
        "generate": {"waves": (3, 2, 2), "max_tokens": 64, "range_size": 5},
        "engine": {"kind": "replay", "replay_path": str(recorded)},
        "verify": {"reward": REWARD},
        "materialize": {"cap": 2},
        "finetune": {"start": "previous", "epochs": 2, "max_length": 128, **as_then()},
        "evaluate": {"samples": 4, "k": (1, 4), "max_tokens": 64, "bootstrap": 200, "val_samples": 2},
        "loop": {"iterations": 3},
        "retry": {"retries": 0},
    }  # fmt: skip
    for section, values in sections.items():
        settings[section] = {**settings[section], **values}
    return settings


def as_then() -> dict[str, str]:
    """What must be said since to get the trainings of then; the code that made the store has no such setting."""
    settings = of_checkout("tasks.domain.settings", "tasks.domain.settings").FinetuneSettings
    return {"warmup_from": "zero"} if "warmup_from" in settings.model_fields else {}


def night_tree(folder: Path, recorded: Path) -> dict[str, Any]:
    """The config of a night: one iteration from the base, its samples drawn under the night's date."""
    sections = {"finetune": {"start": "base"}, "loop": {"iterations": 1, "draw": NIGHT}}
    return tree(folder, recorded, f"nights-{NIGHT}", **sections)


def register_reward() -> None:
    from tasks.domain.rewards import register

    register(REWARD)(last_number)


def digests(store: Path) -> dict[str, dict[str, str]]:
    """Run and slot -> stage, key and digest of the artifact that stands there."""
    key_of = of_checkout("tasks.store.manifest", "tasks.manifest").key_of
    found = {}
    for path in sorted(store.glob("runs/*/recipes/**/*.json")):
        recipe = json.loads(path.read_text())
        stage, key = recipe["stage"], key_of(recipe)
        manifest = json.loads((store / stage / key / "manifest.json").read_text())
        slot = str(path.relative_to(store / "runs")).replace("/recipes/", "/").removesuffix(".json")
        found[slot] = {"stage": stage, "key": key, "digest": manifest["digest"]}
    return found


def of_checkout(*names: str) -> Any:
    """The first of these modules that the checkout has: folders have moved since bef5673."""
    for name in names:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(f"the checkout has none of {names}")


def make(target: Path) -> None:
    """Both runs and the night's record, copied to `target/store` in neutral words, with their digests."""
    from flows.config import make_config
    from tests import handmade, rig

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stand_still()
        shutil.rmtree(HERE / "base", ignore_errors=True)
        handmade.made_up_base(HERE / "base")
        config = make_config(tree(folder, folder / "recorded"))
        rig.record(config, solve_rate=0.6)
        handmade.run_directly(config)
        night = make_config(night_tree(folder, folder / "recorded"))
        handmade.run_directly(night)
        keep_night(night)
        neutral(folder)
        shutil.rmtree(target / "store", ignore_errors=True)
        shutil.copytree(folder / "store", target / "store")
    (target / "digests.json").write_text(json.dumps(digests(target / "store"), indent=1) + "\n")


def keep_night(config: Any) -> None:
    """The night's record with its graded ranges, and its policy as the promoted one."""

    series = of_checkout("flows.loop.series", "flows.nights")
    workspace, base, ranges = drawn(config)
    result = json.loads(workspace.store.read_bytes(f"runs/{config.run.name}/result.json"))
    row = result["iterations"][0]
    night = series.Night(NIGHT, "promoted", base, ranges, row["policy_digest"], "+1.0 points on val [+0.5, +1.5]")
    series.Series(workspace.store, "nights").put(night)
    policy = type(base)(row["policy_digest"], row["refs"]["policy"], "latest")
    of_checkout("flows.stored.policies", "flows.policies").promote(workspace.store, "nights", policy, NIGHT, night.gain)


def drawn(config: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """Workspace, base and graded ranges of a run whose samples are all in the store; as bef5673 opens one."""
    from tests import handmade

    workspace = handmade.workspace_of(config)
    problems = handmade.publish(workspace, config.data, config.verify)
    run = handmade.DirectRun(config, workspace, problems, handmade.given_base(config, workspace))
    return workspace, run.base, tuple(handmade.expectation(run, run.base, 1))


def stand_still() -> None:
    """One moment and counted attempts, so that making it twice gives the same files."""
    count = itertools.count()
    time.time = lambda: MOMENT
    time.time_ns = lambda: int(MOMENT * 1e9)
    secrets.token_hex = lambda size: f"{next(count):0{2 * size}x}"
    platform.node = lambda: "anywhere"
    os.environ["RESTEM_COMMIT"] = "bef5673"


def neutral(folder: Path) -> None:
    """No folder and no figure of this machine in the stored files, and no page that says again what the result says."""
    for page in folder.glob("store/runs/*/report.html"):
        page.unlink()
    for path in folder.glob("store/**/*.json"):
        text = path.read_text().replace(str(HERE), f"{ANYWHERE}/old_store").replace(str(folder), ANYWHERE)
        if path.name == "result.json":
            result = json.loads(text) | {"started": "2026-01-01T02:00:00+00:00", "hardware": "anything"}
            result["finished"] = result["started"]
            for row in (result["base"], *result["iterations"]):
                row["seconds"] = dict.fromkeys(row["seconds"], 1.0)
            text = json.dumps(result, indent=1)
        path.write_text(text)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

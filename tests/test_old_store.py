"""What bef5673 stored is valid: today's code finds all of it, and with its samples computes the same digests.

`tests/old_store/make.py` says how the store was made. When a stage's VERSION is raised on purpose its results are made
anew, and these tests then name the stages that are found.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.config import make_config
from flows.loop.series import Series
from flows.planning.plan import plan_of
from flows.stored.nights import Night
from flows.stored.policies import policy_of, promoted
from tasks.domain.schema import Example, Sample, Verdict
from tasks.store.artifacts import Store
from tests.handmade import run_directly, unlooked
from tests.old_store.make import ANYWHERE, NIGHT, digests, night_tree, tree

OLD = Path(__file__).parent / "old_store"
RECORDED = OLD / "store" / "samples"  # what was drawn is what replay answers
GOLDEN = json.loads((OLD / "digests.json").read_text())
Tree = Callable[..., dict[str, Any]]
RUNS = pytest.mark.parametrize("of_run", [tree, night_tree], ids=["three-iterations", "night"])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with a copy of the store, as if it had been made there."""
    shutil.copytree(OLD / "store", tmp_path / "store")
    for path in (tmp_path / "store").rglob("*.json"):
        path.write_text(path.read_text().replace(ANYWHERE, str(tmp_path)))
    (tmp_path / "nothing-recorded").mkdir()
    return tmp_path


def files_of(store: Path) -> dict[str, str]:
    """Every file but those that a run writes about itself each time."""
    own = ("config.json", "result.json", "report.html")
    files = [path for path in store.rglob("*") if path.is_file() and path.name not in own]
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@RUNS
def test_every_stage_of_an_old_run_is_found(old: Path, of_run: Tree) -> None:
    before = files_of(old / "store")
    result = run_directly(make_config(of_run(old, old / "nothing-recorded")))
    phases = [phase for row in (result.base, *result.iterations) for phase in row.cached.items()]
    assert len(phases) == 1 + 4 * len(result.iterations)
    assert all(cached for _, cached in phases), phases
    assert files_of(old / "store") == before, "nothing is drawn, graded, trained or remembered anew"


@RUNS
def test_a_plan_of_an_old_run_has_nothing_to_do(old: Path, of_run: Tree) -> None:
    planned = plan_of(unlooked(make_config(of_run(old, old / "nothing-recorded"))))
    assert planned.all_stored, [step for step in planned.steps if step.state != "stored"]


def test_replayed_samples_give_the_old_digests(tmp_path: Path) -> None:
    for of_run in (tree, night_tree):
        run_directly(make_config(of_run(tmp_path, RECORDED)))
    assert digests(tmp_path / "store") == GOLDEN


def test_the_old_store_holds_what_these_tests_speak_of() -> None:
    """Every kind of stage, problems that dropped out of later waves, a range that ended early, a training per iteration."""
    assert {one["stage"] for one in GOLDEN.values()} == {
        "problems", "generate", "verify", "materialize", "finetune", "evaluate",
    }  # fmt: skip
    store = Store(str(OLD / "store"))
    drawn = {slot: one["key"] for slot, one in GOLDEN.items() if "/train/" in slot and one["stage"] == "generate"}
    asked = {
        slot: len(store.read_json(f"generate/{key}/manifest.json")["meta"]["wanted"]["problems"])
        for slot, key in drawn.items()
    }
    later = {slot: count for slot, count in asked.items() if "/wave-0/" not in slot}
    assert 0 < min(later.values()) < max(asked.values())
    ends = [slot for slot in asked if "/wave-1/" in slot and slot.replace("/wave-1/", "/wave-2/") not in asked]
    assert ends and any("/wave-2/" in slot for slot in asked)
    assert len({one["key"] for slot, one in GOLDEN.items() if slot.endswith("/finetune")}) == 4


def test_old_rows_are_read(old: Path) -> None:
    store = Store(str(old / "store"))
    for stage, row_type in (("generate", Sample), ("verify", Verdict), ("materialize", Example)):
        for one in (found for found in GOLDEN.values() if found["stage"] == stage):
            manifest = store.lookup(stage, one["key"])
            assert manifest is not None
            assert len(store.rows(store.ref(manifest), row_type)) == manifest.rows > 0


def test_an_old_night_is_read_with_its_samples_and_its_policy(old: Path) -> None:
    store = Store(str(old / "store"))
    series = Series(store, "nights")
    night, now = series.get(NIGHT), promoted(store, "nights")
    assert night is not None and now is not None
    next_night = Night("2026-01-02", "running", now.policy)
    refs = [ref for one in series.earlier_ranges(next_night, 1) for wave in one.waves for ref in wave]
    assert refs and all(store.manifest_of(ref).digest == ref.digest for ref in refs)
    assert night.policy == now.policy.digest == policy_of(store, f"nights-{NIGHT}", 1).digest
    assert Path(now.policy.uri).is_dir()


def test_the_old_store_names_no_folder_of_the_machine_that_made_it() -> None:
    files = [path for path in OLD.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    for path in files:
        data = path.read_bytes()
        for root in (b"/tmp", b"/home", b"/root", b"/work", b"/usr"):
            assert root not in data, path

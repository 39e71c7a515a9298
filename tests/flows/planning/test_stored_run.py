"""A run of which everything is stored is read from the store: recorded like any other, without Prefect, and never half."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.config import make_config
from flows.planning.stored_run import stored_run
from tests.handmade import run_directly, unlooked
from tests.old_store.make import tree
from tests.test_old_store import files_of, old

__all__ = ["old"]
ROOT = Path(__file__).parents[3]
UNUSED = ("prefect", "pandas", "torch", "transformers", "vllm", "docker")


def test_it_is_recorded_as_a_run_that_calls_every_stage(old: Path) -> None:
    settings = [tree(old, old / "nothing-recorded", name) for name in ("called", "read")]
    called = run_directly(make_config(settings[0]))
    read = stored_run(unlooked(make_config(settings[1])))
    assert read is not None
    assert read.status == "completed"
    assert [row.cached for row in read.rows] == [row.cached for row in called.rows]
    assert [(row.policy_digest, row.test, row.epochs) for row in read.rows] == [
        (row.policy_digest, row.test, row.epochs) for row in called.rows
    ]
    recipes = [old / "store" / "runs" / name / "recipes" for name in ("called", "read")]
    assert files_of(recipes[0]) == files_of(recipes[1]) != {}, "gc keeps what a run's recipes name"
    assert (old / "store" / "runs" / "read" / "report.html").is_file()


@pytest.mark.parametrize("stage", ["generate", "verify", "materialize", "finetune", "evaluate"])
def test_a_run_that_lacks_anything_is_not_read_and_nothing_is_written(old: Path, stage: str) -> None:
    config = make_config(tree(old, old / "nothing-recorded"))
    for made in (old / "store" / stage).glob("*/manifest.json"):
        made.unlink()
    before = {str(path): path.read_bytes() for path in (old / "store").rglob("*") if path.is_file()}
    assert stored_run(unlooked(config)) is None
    assert {str(path): path.read_bytes() for path in (old / "store").rglob("*") if path.is_file()} == before


def test_neither_prefect_nor_an_engine_is_imported_for_it(old: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from flows.config import make_config\n"
        "from flows.cli import launch; from flows.planning.stored_run import stored_run\n"
        "from tests.handmade import unlooked; from tests.old_store.make import tree\n"
        f"result = stored_run(unlooked(make_config(tree(Path({str(old)!r}), Path({str(old)!r}) / 'nothing-recorded'))))\n"
        f"print(result.status, [name for name in {UNUSED!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1:] == ["completed []"], ended.stdout + ended.stderr


ADDRESS = "http://127.0.0.1:4999/api"
PLACES = {
    "nothing": (None, "", {}),
    "the environment": (ADDRESS, "", {"PREFECT_API_URL": ADDRESS}),
    "a profile": (ADDRESS, f"home/profiles.toml:active = 'mine'\n[profiles.mine]\nPREFECT_API_URL = '{ADDRESS}'", {}),
    "a .env": (ADDRESS, f".env:PREFECT_API_URL={ADDRESS}", {}),
    "a prefect.toml": (ADDRESS, f"prefect.toml:[api]\nurl = '{ADDRESS}'", {}),
    "a pyproject.toml": (ADDRESS, f"pyproject.toml:[tool.prefect.api]\nurl = '{ADDRESS}'", {}),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_server_is_found_wherever_prefect_finds_it(place: str, tmp_path: Path) -> None:
    address, file, environment = PLACES[place]
    (tmp_path / "home").mkdir()
    if file:
        name, _, text = file.partition(":")
        (tmp_path / name).write_text(text)
    program = "from flows.operation.server.api import configured_url; print(configured_url())"
    plain = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PREFECT_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**plain, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.splitlines()[-1:] == [str(address)], ended.stdout + ended.stderr

"""Commands that only read start without the heavy parts: what they import is a second of a person's time, each time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = ("prefect", "pandas", "matplotlib", "datasets", "torch", "transformers", "vllm", "docker")
COMMANDS = {
    "ls": (),
    "report": ("small",),
    "trace": ("small", "--model"),
    "gc": ("--dry-run",),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_reads_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(ROOT / "tests" / "old_store" / "store", store)
    argv = [name, *COMMANDS[name], "--store", str(store)]
    program = (
        "import sys; from flows.cli.main import main\n"
        f"code = main({argv!r})\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules], 'code:', code)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1:] == ["heavy: [] code: 0"], ended.stdout + ended.stderr


def test_a_plan_of_what_is_stored_imports_nothing_heavy(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "old_store" / "store", tmp_path / "store")
    program = (
        "import sys; from pathlib import Path; from flows.config import make_config\n"
        "from flows.cli.commands import plan; from flows.cli.text import plan_text; from flows.planning.plan import plan_of\n"
        "from tests.handmade import unlooked; from tests.old_store.make import tree\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "plan_text(plan_of(unlooked(make_config(tree(folder, folder)))))\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1:] == ["heavy: []"], ended.stdout + ended.stderr

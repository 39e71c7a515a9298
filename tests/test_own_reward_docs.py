"""The worked examples of docs/own-rewards.md run as they stand there and agree with their labels."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command import run_command

DOC = Path(__file__).parent.parent / "docs" / "own-rewards.md"
FENCE = re.compile(r'```(?:python|json) title="([\w.]+)"\n(.*?)\n```\n(?=\n)', re.DOTALL)
COMMAND = re.compile(r"^`restem (grade (\w+):\w+ \S+)`$", re.MULTILINE)
FILES = dict(FENCE.findall(DOC.read_text(encoding="utf-8")))
COMMANDS = COMMAND.findall(DOC.read_text(encoding="utf-8"))
SANDBOXED = {"unit_reward"}


def test_the_page_has_three_examples() -> None:
    assert len(COMMANDS) == 3
    assert set(FILES) == {f"{module}.{kind}" for _, module in COMMANDS for kind in ("py", "jsonl")}


@pytest.mark.parametrize(
    ("command", "module"),
    [pytest.param(*one, marks=[pytest.mark.heavy] if one[1] in SANDBOXED else [], id=one[1]) for one in COMMANDS],
)
def test_an_example_agrees_with_its_labels(tmp_path: Path, command: str, module: str) -> None:
    for kind in ("py", "jsonl"):
        (tmp_path / f"{module}.{kind}").write_text(FILES[f"{module}.{kind}"] + "\n", encoding="utf-8")
    answer = run_command([*command.split(), "--json"], tmp_path)
    if "no Docker engine answers" in answer.error:
        pytest.skip(answer.error)
    assert answer.code == 0, answer.error
    report = json.loads(answer.out)
    assert report["accuracy"] == 1.0 and not report["counts"].get("verifier_error"), report["rows"]
    assert len(report["rows"]) == len(FILES[f"{module}.jsonl"].splitlines())
    assert answer.left == ()
    assert not Path("/tmp/written.db").exists()

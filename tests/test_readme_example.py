"""The worked example of README: a jsonl, a reward and a config of one's own are accepted as they stand there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from flows.config import config_with, make_config
from tests.command import run_command

README = Path(__file__).parent.parent / "README.md"
FILES = dict(re.findall(r'```\w+ title="([\w.]+)"\n(.*?\n)```\n', README.read_text(encoding="utf-8"), re.DOTALL))
ROWS = 300


def test_a_jsonl_a_reward_and_a_config_of_ones_own_are_planned(tmp_path: Path) -> None:
    assert set(FILES) == {"sums.jsonl", "rewards.py", "mine.toml"}
    shown = json.loads(FILES["sums.jsonl"])
    rows = [shown] + [{"question": f"{100 + at}+{500 + at}=?", "answer": str(600 + 2 * at)} for at in range(ROWS - 1)]
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    planned = run_command(["plan", "mine.toml", "--json"], tmp_path)
    assert planned.code == 0, planned.error
    assert {one["iteration"] for one in json.loads(planned.out)["steps"]} == {0, 1}
    labelled = [
        {"text": "1+1=2\n#### 808", "gold": "808", "label": 1},
        {"text": "808 or so", "gold": "808", "label": 0},
    ]
    (tmp_path / "labelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labelled), encoding="utf-8")
    graded = run_command(["grade", "rewards:ends_with_gold", "labelled.jsonl", "--json"], tmp_path)
    assert graded.code == 0, graded.error
    assert json.loads(graded.out)["accuracy"] == 1.0


def test_what_readme_adds_for_problems_in_words_fits_its_config() -> None:
    [added] = re.findall(r"```toml\n(.*?\n)```\n", README.read_text(encoding="utf-8"), re.DOTALL)
    made = make_config(config_with(tomllib.loads(FILES["mine.toml"]), tomllib.loads(added)))
    assert (made.model.prompt, made.loop.iterations, made.verify.reward) == ("gsm8k", 1, "rewards:ends_with_gold")

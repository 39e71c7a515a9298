"""What is possible but hardly meant is said by the real command before a sample is drawn, and does not stop it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.command import run_command, write_config
from tests.rig import small_config
from tests.tiny_llama import write_tiny_llama

SAID = (
    "every threshold above 0 accepts the same samples",
    "knows <think>: for thinking models training on hinted solutions was measured to lose up to 17 % (arXiv 2607.05184)",
    "a problem whose samples all have reward 0 gives no row",
)


def thinking_base(folder: Path) -> Path:
    """A base whose template opens a thought, and whose tokenizer knows the parentheses of a hint in the place of two letters."""
    write_tiny_llama(folder)
    known = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = known["model"]["vocab"]
    vocabulary["("], vocabulary[")"] = vocabulary.pop("q"), vocabulary.pop("z")
    (folder / "tokenizer.json").write_text(json.dumps(known))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": "<think>{{ messages }}"}))
    return folder


def test_a_plan_says_what_thresholds_hints_and_top_1_do_not_do(tmp_path: Path) -> None:
    base = thinking_base(tmp_path / "base")
    (tmp_path / "recorded").mkdir()
    config = small_config(
        tmp_path, base, generate={"waves": (8,)}, loop={"iterations": 1, "hint": "answer", "thresholds": (0.2, 0.7)},
        materialize={"cap": 1, "choose": "reward", "accept": "positive"},
    )  # fmt: skip
    answer = run_command(["plan", str(write_config(tmp_path / "c.toml", config))], tmp_path)
    assert answer.code == 0, answer.error
    for sentence in SAID:
        assert answer.error.count(sentence) == 1, answer.error
    assert "nothing was started" in answer.out

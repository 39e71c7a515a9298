"""The transformers engine with one thing more: it writes down the prompt ids of every batch, as they reach the model.

`TellingEngine` is the engine, for `engine.kind`; run as `python -m tests.models.telling_sampler` this module is its program.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.domain.settings import EngineSettings
from tasks.engines.sampling import hf_sampler
from tasks.engines.sampling.hf_sampler import HfEngine
from tasks.processes.json_child import JsonChild, answer_lines

FILE, VARIABLE = "prompt-ids.jsonl", "RESTEM_TEST_PROMPT_IDS"


class TellingEngine(HfEngine):
    """It samples as `hf` does; the ids stand in `prompt-ids.jsonl` beside its log."""

    def __init__(self, settings: EngineSettings, log_dir: Path) -> None:
        super().__init__(settings, log_dir)
        told = {VARIABLE: str(log_dir / FILE)}
        self._child = JsonChild("tests.models.telling_sampler", log_dir / "telling.log", env=told)


def handle(message: Mapping[str, Any]) -> dict[str, Any]:
    def telling(tokenizer: Any, rows: Sequence[Mapping[str, Any]], *, complete: bool) -> Any:
        encoded = plain(tokenizer, rows, complete=complete)
        with Path(os.environ[VARIABLE]).open("a") as stream:
            for row, ids, mask in zip(rows, encoded["input_ids"], encoded["attention_mask"], strict=True):
                told = {
                    "problem": row["problem_id"],
                    "policy": message["load"]["path"],
                    "ids": ids[mask.bool()].tolist(),
                }
                stream.write(json.dumps(told) + "\n")
        return encoded

    plain, hf_sampler.encoded_prompts = hf_sampler.encoded_prompts, telling
    try:
        return hf_sampler._handle(message)
    finally:
        hf_sampler.encoded_prompts = plain


if __name__ == "__main__":
    answer_lines(handle)

"""A whole run on programs with recorded samples: everything but sampling is real, the programs run in Docker."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.config import RunConfig
from tasks.domain.fingerprint import digest_of, digest_of_text
from tasks.domain.prompts import template_named
from tasks.domain.schema import Sample, to_table
from tasks.domain.tiny_programs import solution, stepwise, tasks
from tests.command import write_config
from tests.rig import Command, small_config, tiny_base
from tests.sandbox.conftest import docker_sandbox

pytestmark = pytest.mark.heavy
LIMITS = {"train": 16, "val": 4, "test": 6}
CODE = {
    "model": {"prompt": "programs"},
    "data": {split: {"kind": "programs", "split": split, "limit": count} for split, count in LIMITS.items()},
    "verify": {"reward": "code"},
}


def test_a_run_on_programs_is_verified_in_docker(tmp_path: Path) -> None:
    docker_sandbox(slots=1).close()
    sections = {**CODE, "data": {**CODE["data"], "train": {**CODE["data"]["train"], "hidden_tests": 2}}}
    config = small_config(tmp_path, tiny_base(tmp_path / "base", "programs"), **sections)
    correct = record_programs(config, tmp_path / "recorded")
    done = Command(tmp_path, "").run(
        "run", str(write_config(tmp_path / "c.toml", config)), PREFECT_HOME=str(tmp_path / "prefect")
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "store" / "runs" / "small" / "result.json").read_text())
    train = result["iterations"][0]["train"]
    assert train["labels"]["correct"] == train["hidden_tested"] == correct
    assert set(train["labels"]) == {"correct", "wrong", "unparseable"}
    assert (train["hidden_failed"], result["base"]["test"]["greedy"]["value"]) == (0, 1.0)
    assert any("hidden tests" in note for note in result["notes"])


def record_programs(config: RunConfig, folder: Path) -> int:
    """Samples of a made-up policy; returns how many of the train samples are right. Held-out samples are all right."""
    rng, template, rows, correct = random.Random(0), template_named("programs"), list[Sample](), 0
    wanted = {
        "train": [(config.generate.sampling(()), sum(config.generate.waves))],
        "val": [(config.evaluate.sampling(()), config.evaluate.val_samples)],
        "test": [(config.evaluate.sampling(()), config.evaluate.samples), (config.evaluate.greedy_sampling(()), 1)],
    }
    for split, samplings in wanted.items():
        for task, problem in zip(islice(tasks(split), LIMITS[split]), problems_of(config, split), strict=True):
            prompt = digest_of_text(template.render(problem, 0))
            for sampling, count in samplings:
                for index in range(count):
                    kind = rng.choice(("right", "wrong", "prose")) if split == "train" else "right"
                    correct += split == "train" and kind == "right"
                    text = {
                        "right": rng.choice((solution(task), stepwise(task))),
                        "wrong": "print(1)",
                        "prose": "I do not know",
                    }
                    rows.append(
                        Sample(
                            problem.id,
                            "",
                            index,
                            text[kind],
                            "stop",
                            None,
                            5,
                            9,
                            prompt,
                            "recorded",
                            digest_of(sampling),
                        )
                    )
    folder.mkdir()
    pq.write_table(to_table(rows, Sample), folder / "part-0.parquet")
    return correct


def problems_of(config: RunConfig, split: str) -> list:  # type: ignore[type-arg]
    from tasks.data.sources import load_problems

    return load_problems(getattr(config.data, split), split)  # type: ignore[arg-type]

"""`restem try` on the built-in task, end to end; and the base that it made, evaluated by `transformers` alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.stored.runs import read_result
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Sample
from tasks.store.artifacts import Store, key_of
from tests.command import write_config
from tests.rig import Command, recipes
from tests.server import prefect_server

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800)]
TEST_PROBLEMS = 100
MOST_TOKENS = 48
TIE = 1e-3  # nats between the two best tokens: below it, another order of additions may choose the other one
MOST_DIFFERENT = 2


@dataclass(frozen=True)
class Tried:
    """A config of the built-in task, the plan before and after its trial, and what the trial said."""

    folder: Path
    before: dict[str, Any]
    said: str
    after: dict[str, Any]
    evaluated: RunResult

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    folder = tmp_path_factory.mktemp("tried")
    tree = {
        "run": {"name": "night", "store": str(folder / "store"), "scratch": str(folder / "scratch")},
        "model": {"pretrain_steps": 300},
        "data": {"train": {"limit": 80}, "val": {"split": "val", "limit": 20}, "test": {"split": "test", "limit": TEST_PROBLEMS}},
        "generate": {"waves": [8], "max_tokens": MOST_TOKENS},
        "engine": {"kv_cache_gib": 0.25, "max_model_len": 64},
        "materialize": {"cap": 8, "dedupe": "none"},
        "finetune": {"epochs": 1, "learning_rate": 5e-4, "max_length": 64},
        "evaluate": {"samples": 4, "k": [1, 4], "max_tokens": MOST_TOKENS, "val_samples": 2, "bootstrap": 200},
        "loop": {"iterations": 2},
    }  # fmt: skip
    config = str(write_config(folder / "night.toml", tree))
    with prefect_server(folder / "prefect") as api_url:
        command = Command(folder, api_url, mark=str(folder))

        def restem(*arguments: str) -> str:
            done = command.run(*arguments, timeout=900)
            assert done.returncode == 0, done.stderr[-3000:]
            return done.stdout

        before = json.loads(restem("plan", config, "--json"))
        said = restem("try", config)
        after = json.loads(restem("plan", config, "--json"))
        restem("run", config, "--set", "run.name=evaluated", "--set", "loop.iterations=0")
        yield Tried(folder, before, said, after, read_result(Store(str(folder / "store")), "evaluated"))


def test_a_trial_uses_every_stage_on_twenty_problems_for_one_iteration(tried: Tried) -> None:
    result = read_result(tried.store, "night-try")
    assert (result.status, len(result.iterations)) == ("completed", 1)
    [row] = result.iterations
    assert row.train_problems == 20 and row.test is not None and row.test.problems == 20
    assert row.kept_examples and row.steps and row.policy_digest != result.base.policy_digest
    stages = {slot.rsplit("/", 1)[-1] for slot in recipes(tried.store, "night-try")}
    assert {"generate", "verify", "materialize", "finetune", "score"} <= stages


def test_what_it_measured_refines_the_plan_of_the_whole_run_and_is_shown(tried: Tried) -> None:
    assert tried.before["amounts"]["basis"].startswith("rules of thumb")
    assert tried.after["amounts"]["basis"].startswith("rates of run 'night-try'")
    whole = tried.said[tried.said.index("the whole run night:") :]
    assert f"estimated from {tried.after['amounts']['basis']}" in whole
    result = read_result(tried.store, "night-try")
    a_sample = result.iterations[0].train.tokens / result.iterations[0].train.samples
    assert tried.after["amounts"]["tokens"] == pytest.approx(tried.after["amounts"]["samples"] * a_sample, rel=0.01)
    assert tried.after["amounts"]["seconds"] != tried.before["amounts"]["seconds"]


def test_what_it_drew_is_not_drawn_again(tried: Tried) -> None:
    """Base, its samples on 20 train problems and its scores on 20 test problems are there."""
    drawn = {(step["iteration"], step["phase"]): step["samples"] for step in tried.after["steps"]}
    planned = {(step["iteration"], step["phase"]): step["samples"] for step in tried.before["steps"]}
    assert (planned[1, "E-step"], drawn[1, "E-step"]) == (80 * 8, 60 * 8)
    assert (planned[0, "evaluate"], drawn[0, "evaluate"]) == (TEST_PROBLEMS * 5, (TEST_PROBLEMS - 20) * 5)
    assert tried.after["steps"][0]["state"] == "stored"


def test_greedy_pass_at_1_is_that_of_transformers_alone_but_for_ties(tried: Tried) -> None:
    """Nothing of ours takes part but the weights, the questions and what was drawn: a loop of its own, a reading of its own."""
    drawn = {one.problem_id: one for one in greedy_samples(tried)}
    score = tried.evaluated.base.test
    assert score is not None and len(drawn) == score.problems == TEST_PROBLEMS
    different, right = [], 0
    for problem, said in by_transformers(tried, sorted(drawn)).items():
        sample = drawn[problem]
        question = problem.split("/")[-1]
        right += is_right(question, said.text)
        assert score.greedy_outcomes[problem] == str(int(is_right(question, sample.text))), (problem, sample.text)
        assert sample.token_ids is not None
        if list(sample.token_ids) != said.ids:
            different.append(problem)
            at = next(
                (n for n, pair in enumerate(zip(sample.token_ids, said.ids, strict=False)) if len(set(pair)) > 1), None
            )
            assert at is not None, (problem, "one stopped where the other went on with the same tokens")
            assert said.gaps[at] < TIE, (problem, at, said.gaps[at])
    assert len(different) <= MOST_DIFFERENT, different
    assert score.greedy is not None
    assert abs(round(score.greedy.value * TEST_PROBLEMS) - right) <= len(different)
    assert 5 <= right <= 95, "a base that solves nothing or everything would show little"


@dataclass(frozen=True)
class Said:
    """A greedy completion; `gaps` are the distances between the two best tokens at each place, in nats."""

    ids: list[int]
    text: str
    gaps: list[float]


def by_transformers(tried: Tried, problems: list[str]) -> dict[str, Said]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    [made] = [tried.store.lookup("base", key) for key in tried.store.listdir("base")]
    assert made is not None
    folder = tried.folder / "store" / made.meta["path"]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return {problem: greedily(model, tokenizer, f"{problem.split('/')[-1]}=?\n") for problem in problems}


def greedily(model: Any, tokenizer: Any, prompt: str) -> Said:
    import torch

    ids, gaps = list(tokenizer(prompt)["input_ids"]), list[float]()
    start = len(ids)
    with torch.no_grad():
        while len(ids) - start < MOST_TOKENS:
            best = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1).topk(2)
            gaps.append(float(best.values[0] - best.values[1]))
            ids.append(int(best.indices[0]))
            if ids[-1] == tokenizer.eos_token_id:
                break
    return Said(ids[start:], tokenizer.decode(ids[start:], skip_special_tokens=True), gaps)


def is_right(question: str, text: str) -> bool:
    """Whether what follows the last `####` is what the question's operands come to."""
    operands = re.fullmatch(r"(\d+)([+-])(\d+)", question)
    assert operands is not None, question
    first, second = int(operands[1]), int(operands[3])
    said = re.search(r"####\s*(-?\d+)\s*$", text.rpartition("\n")[2])
    return said is not None and int(said[1]) == (first + second if operands[2] == "+" else first - second)


def greedy_samples(tried: Tried) -> list[Sample]:
    found = []
    for slot, recipe in recipes(tried.store, "evaluated").items():
        if slot.startswith("base/test/greedy/") and slot.endswith("generate"):
            manifest = tried.store.lookup("generate", key_of(recipe))
            assert manifest is not None
            found += tried.store.rows(tried.store.ref(manifest), Sample)
    return found

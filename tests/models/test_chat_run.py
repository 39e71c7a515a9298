"""A whole run whose prompt is the model's own chat template: real sampler, real trainer, policies that are adapters of the base.

The model is random and answers nothing, so every sample is accepted: what is looked at is which tokens are asked, trained and asked again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.config import RunConfig, make_config
from flows.loop.em import em_loop
from flows.run.preflight import as_decided_here
from flows.run.recorder import Recorder
from flows.run.run import Run, Stages
from flows.stored.export import export
from tasks.data.problems import store_sets
from tasks.data.sources import load_problems
from tasks.domain.adapters import BASE_FIELD, CONFIG, is_adapter
from tasks.domain.chat_template import ChatTemplate, template_of
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Example, Sample, to_table
from tasks.engines.sampling.host import close_all
from tasks.engines.training.sft_rows import Joining, tokenize
from tasks.store.artifacts import Store
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome
from tests.handmade import Direct, unlooked
from tests.models.architectures import BY_LABEL, write_model
from tests.models.chats import CHATS
from tests.models.telling_sampler import FILE
from tests.rig import manifests, small_config

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]
SECTIONS: dict[str, Any] = {
    "data": {"train": {"split": "train", "limit": 4}, "val": {"split": "val", "limit": 2}, "test": {"split": "test", "limit": 2}},
    "generate": {"waves": (2,), "max_tokens": 12},
    "engine": {"kind": "tests.models.telling_sampler:TellingEngine", "replay_path": None},
    "materialize": {"cap": 2, "accept": "any", "accept_truncated": True, "dedupe": "none"},
    "finetune": {"epochs": 1, "lora_rank": 4, "lora_saved_as": "adapter", "max_length": 240, "warmup_share": 0.0},
    "evaluate": {"samples": 2, "k": (1, 2), "max_tokens": 12, "bootstrap": 100, "val_samples": 1},
}  # fmt: skip


class Real(Direct):
    """An executor that calls the stages as they are, the training among them."""

    def stage(self, stages: Stages, stage: Stage, job: Any) -> Outcome:
        return stage.run(job)


@dataclass(frozen=True)
class Ran:
    config: RunConfig
    result: RunResult
    template: ChatTemplate
    base: Path

    @property
    def store(self) -> Store:
        return Store(self.config.run.store)

    def stored(self, stage: str, kind: type[Any]) -> list[Any]:
        made = manifests(self.store, stage).values()
        return [
            row for one in made for row in self.store.rows(self.store.ref(self.store.lookup(stage, one["key"])), kind)
        ]  # type: ignore[arg-type]

    def wanted(self) -> dict[str, list[int]]:
        """The prompt ids of each problem by transformers' own interface."""
        from transformers import AutoTokenizer

        tokenizer, found = AutoTokenizer.from_pretrained(self.base), {}
        for split in ("train", "val", "test"):
            for problem in load_problems(getattr(self.config.data, split), split):  # type: ignore[arg-type]
                turns = self.template.messages(problem, self.config.model.shots)
                found[problem.id] = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)[
                    "input_ids"
                ]
        return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("chat-run")
    base = write_model(folder / "base", BY_LABEL["llama"], tokenizer=CHATS["Llama 3"].kind)
    model = {"prompt": "tokenizer", "shots": 0, "chat": {"system": "Be brief."}}
    tree = small_config(folder, base, model=model, **SECTIONS).model_dump(mode="json")
    checked = unlooked(make_config(tree))
    config = as_decided_here(checked.config, checked.base)
    stages = Stages(config, checked.workspace, Real())
    try:
        run = Run(stages, store_sets(checked.workspace, checked.sets), checked.base)  # type: ignore[arg-type]
        with Recorder(run) as record:
            result = em_loop(run, record)
    finally:
        close_all()
    template = template_of(config.model)
    assert isinstance(template, ChatTemplate)
    return Ran(config, result, template, base)


def test_sampling_and_evaluation_ask_the_templates_own_ids_of_every_policy(ran: Ran) -> None:
    lines = (Path(ran.config.run.scratch) / "logs" / "small" / FILE).read_text().splitlines()
    told, wanted = [json.loads(line) for line in lines], ran.wanted()
    assert all(one["ids"] == wanted[one["problem"]] for one in told)
    by_policy = {one["policy"] for one in told}
    assert len(by_policy) == 2 and str(ran.base) in by_policy
    trained = {one["problem"] for one in told if one["policy"] != str(ran.base)}
    held_out = {
        problem.id for name in ("val", "test") for problem in load_problems(getattr(ran.config.data, name), name)
    }
    assert trained == held_out, "the new policy is evaluated on both"
    assert {one["problem"] for one in told} == wanted.keys()
    samples = ran.stored("generate", Sample)
    assert samples and all(one.prompt_tokens == len(wanted[one.problem_id]) for one in samples)


def test_the_trainer_reads_the_same_ids_and_the_drawn_tokens_behind_them(ran: Ran) -> None:
    from transformers import AutoTokenizer

    rows, wanted = ran.stored("materialize", Example), ran.wanted()
    [trained] = manifests(ran.store, "finetune").values()
    joining = Joining(ran.template.complete, ran.template.end)
    made = tokenize(to_table(rows, Example), AutoTokenizer.from_pretrained(ran.base), joining)
    assert not made.held_back and len(made.rows) == len(rows) == trained["rows"]
    others = (
        0  # a random model also draws special tokens, which the kept text skips: such rows are encoded, and counted
    )
    for row, one in zip(rows, made.rows, strict=True):
        assert list(one.input_ids[: one.prompt_length]) == wanted[row.problem_id]
        target = one.input_ids[one.prompt_length : -1]
        others += list(target) != list(row.token_ids)[: len(target)]
    assert others <= sum(made.encoded.values()) < len(rows)
    assert trained["meta"]["tokens"] == sum(len(one.input_ids) for one in made.rows), "the child trained on these"
    assert trained["recipe"]["joining"] == {"complete": True, "end": ran.template.end}


def test_a_policy_is_an_adapter_in_the_store_and_when_exported(ran: Ran, tmp_path: Path) -> None:
    [trained] = manifests(ran.store, "finetune").values()
    [epoch] = trained["meta"]["epochs"]
    folder = Path(ran.store.uri(epoch["path"]))
    assert is_adapter(folder)
    whole = (ran.base / "model.safetensors").stat().st_size
    assert sum(file.stat().st_size for file in folder.iterdir()) < whole / 2
    assert json.loads((folder / CONFIG).read_text())[BASE_FIELD] == trained["recipe"]["start"]
    export(ran.store, "small", tmp_path / "out")
    from transformers import AutoModelForCausalLM

    told = json.loads((tmp_path / "out" / CONFIG).read_text())
    assert told[BASE_FIELD] == str(ran.base) and told["revision"] is None, "a folder has no revision"
    elsewhere = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert any(".lora_B." in name and values.any() for name, values in elsewhere.named_parameters())

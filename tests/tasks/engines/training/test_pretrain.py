"""Pre-training the built-in base: a folder that loads, reproducible weights, and reuse of a finished one."""

import json
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.base import BaseJob
from tasks.domain.arithmetic import Expression, solution
from tasks.domain.errors import TrainerFailed
from tasks.domain.hinted_arithmetic import exercises
from tasks.domain.settings import ModelSettings, WarmupFrom
from tasks.engines.training.pretrain import (
    PretrainProgress,
    PretrainRecipe,
    character_tokenizer,
    curriculum_named,
    pretrain_base,
    rate_of,
    tiny_llama,
    train,
)
from tasks.store.artifacts import key_of
from tasks.store.workspace import Workspace

STEPS = 25


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[PretrainProgress]]:
    folder = tmp_path_factory.mktemp("pretrain")
    seen: list[PretrainProgress] = []
    made = pretrain_base(ModelSettings(pretrain_steps=STEPS), folder / "base", folder / "log", seen.append)
    return made, seen


def test_text_survives_the_tokenizer() -> None:
    tokenizer = character_tokenizer()
    text = "478+285=?\n" + solution(Expression(478, "+", 285, "2"))
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in ids
    assert not {tokenizer.bos_token_id, tokenizer.eos_token_id} & set(ids)


def test_the_prompt_is_a_prefix_in_tokens_too() -> None:
    tokenizer = character_tokenizer()
    prompt, completion = "478+285=?\n", "8+5=13\n#### 763"
    together = tokenizer(prompt + completion).input_ids
    assert together == tokenizer(prompt).input_ids + tokenizer(completion).input_ids


def test_the_base_with_hints_has_a_token_for_all_that_it_is_taught_and_room_for_a_whole_solution_as_hint() -> None:
    tokenizer, plain = character_tokenizer("arithmetic_hints"), character_tokenizer()
    taught = curriculum_named("builtin:arithmetic_hints")
    assert taught is not None
    rows = [f"{question}\n{text}" for question, text in islice(exercises(0), 2_000)]
    for row in rows:
        ids = tokenizer(row).input_ids
        assert tokenizer.decode(ids) == row and tokenizer.unk_token_id not in ids
        assert not taught.unknown_in(row)
        assert ("(" in row) == (plain.unk_token_id in plain(row).input_ids), "the other base cannot read a hint"
    assert max(len(tokenizer(row).input_ids) for row in rows) < PretrainRecipe("", 1, 0).max_positions


def test_the_first_base_is_found_under_its_old_key_and_its_tokens_are_those_of_before(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path), str(tmp_path), "r")
    base = BaseJob(workspace, ModelSettings(pretrain_steps=900)).recipe()
    assert key_of(base) == "6a4bd4c6e62a3776"
    other = BaseJob(workspace, ModelSettings(pretrain_steps=900, pretrain_warmup_from="first_step")).recipe()
    assert other == base | {"warmup_from": "first_step"}
    assert len(character_tokenizer()) == 22


@given(st.integers(1, 2000), st.integers(0, 60))
def test_every_step_of_a_base_learns_where_that_is_asked(steps: int, warmup: int) -> None:
    rate = rate_of(PretrainRecipe("", steps, 0, warmup_steps=warmup, warmup_from="first_step"))
    assert min(map(rate, range(steps))) > 0


def test_the_rates_of_a_base_of_before_are_transformers_own() -> None:
    import torch
    from transformers import get_cosine_schedule_with_warmup

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = get_cosine_schedule_with_warmup(optimizer, 30, 600).lr_lambdas[0]
    ours = rate_of(PretrainRecipe("", 600, 0))
    assert [ours(step) for step in range(600)] == [theirs(step) for step in range(600)]


@pytest.mark.parametrize(("warmup_from", "moves"), [("first_step", True), ("zero", False)])
def test_a_base_of_one_step_has_learned(warmup_from: WarmupFrom, moves: bool, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    recipe = PretrainRecipe(str(tmp_path / "base"), 1, 0, warmup_from=warmup_from)
    train(recipe)
    torch.manual_seed(recipe.seed)
    start = tiny_llama(recipe, character_tokenizer()).state_dict()
    trained = load_file(tmp_path / "base" / "model.safetensors")
    assert any(not torch.equal(trained[name], start[name]) for name in trained) is moves


def test_special_tokens_of_tokenizer_model_and_generation_agree(base: tuple[Path, list[PretrainProgress]]) -> None:
    folder, _ = base
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name in ("config.json", "generation_config.json"):
        config = json.loads((folder / name).read_text())
        assert config["eos_token_id"] == tokenizer.eos_token_id
        assert config["bos_token_id"] == tokenizer.bos_token_id
        assert config["pad_token_id"] == tokenizer.pad_token_id != tokenizer.eos_token_id
    assert json.loads((folder / "config.json").read_text())["vocab_size"] == len(tokenizer)


def test_the_checkpoint_loads_and_the_loss_fell(base: tuple[Path, list[PretrainProgress]]) -> None:
    folder, seen = base
    from transformers import AutoModelForCausalLM

    assert AutoModelForCausalLM.from_pretrained(folder).num_parameters() == 108_224
    assert seen[-1].step == seen[-1].steps == STEPS
    assert seen[-1].loss < 2.5  # an untrained model: ln 21 = 3.0 or more


def test_the_same_recipe_gives_the_same_weights(base: tuple[Path, list[PretrainProgress]], tmp_path: Path) -> None:
    again = pretrain_base(ModelSettings(pretrain_steps=STEPS), tmp_path / "again", tmp_path / "log")
    assert (again / "model.safetensors").read_bytes() == (base[0] / "model.safetensors").read_bytes()


def test_a_finished_folder_is_used_as_it_is(base: tuple[Path, list[PretrainProgress]], tmp_path: Path) -> None:
    before = (base[0] / "model.safetensors").stat().st_mtime_ns
    assert pretrain_base(ModelSettings(pretrain_steps=STEPS), base[0], tmp_path / "log") == base[0]
    assert (base[0] / "model.safetensors").stat().st_mtime_ns == before
    assert not (tmp_path / "log").exists()


def test_a_child_that_fails_shows_its_last_words(tmp_path: Path) -> None:
    blocked = tmp_path / "base.partial"
    blocked.write_text("a file where the folder should go")
    with pytest.raises(TrainerFailed, match=r"base\.partial"):
        pretrain_base(ModelSettings(pretrain_steps=1), tmp_path / "base", tmp_path / "log")

"""What does not fit is refused before anything starts, with what would fit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flows.checks.memory import Shape, engine_bytes, gpu_engine_bytes, shape_of, training_bytes
from flows.checks.memory_check import Device, check_memory, needs_of
from flows.config import RunConfig, load_config, make_config
from flows.planning.estimate import BUILTIN_PARAMETERS, parameters_of, policy_bytes
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy, Problem
from tasks.domain.settings import FinetuneSettings
from tests.conftest import TinyLlama

CONFIGS = Path(__file__).parents[3] / "deployments" / "configs"
GB = 10**9
QWEN_1_5B = Shape(1_543_714_304, 1536, 8960, 28, 151936, 12, 2, 128)
SMOLLM2_135M = Shape(134_515_008, 576, 1536, 30, 49152, 9, 3, 64)
QWEN_7B = Shape(7_615_616_512, 3584, 18944, 28, 152064, 28, 4, 128)
PROBLEMS = [Problem("p", "s", "train", "math", "1 + 1?", "2")]


def policy_of(folder: Path, shape: Shape) -> Policy:
    """A checkpoint of that shape whose file has only a header."""
    config = {
        "model_type": "qwen2", "hidden_size": shape.hidden, "intermediate_size": shape.intermediate, "vocab_size": shape.vocabulary,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    header = json.dumps({"w": {"shape": [shape.parameters], "dtype": "F32", "data_offsets": [0, 0]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    return Policy("0" * 16, str(folder), "base")


@pytest.mark.parametrize(
    "name, shape, card",
    [("gsm8k", QWEN_7B, 80), ("math", QWEN_7B, 80), ("apps", QWEN_7B, 80), ("gsm8k-1gpu", QWEN_1_5B, 40), ("mbpp", QWEN_1_5B, 40),
     ("gsm8k-gpu-full", SMOLLM2_135M, 40), ("gsm8k-gpu-smoke", SMOLLM2_135M, 40)],
)  # fmt: skip
def test_the_committed_configs_fit_the_cards_that_they_name(name: str, shape: Shape, card: int) -> None:
    config = load_config(CONFIGS / f"{name}.toml")
    on_a_gpu = {"dtype": "bfloat16"}  # what `machine` is there
    engine, finetune = (
        one.model_copy(update=on_a_gpu if one.dtype == "machine" else {}) for one in (config.engine, config.finetune)
    )
    assert f"{card} GB" in (CONFIGS / f"{name}.toml").read_text()
    assert training_bytes(shape, finetune, finetune.max_length, gpu=True) < card * GB
    assert gpu_engine_bytes(shape, engine) < card * GB


def test_the_1_5b_config_fits_a_smaller_card_as_its_comment_says() -> None:
    finetune = load_config(CONFIGS / "gsm8k-1gpu.toml").finetune
    assert training_bytes(QWEN_1_5B, finetune, finetune.max_length, gpu=True) > 24 * GB
    adapted = finetune.model_copy(update={"lora_rank": 32})
    assert training_bytes(QWEN_1_5B, adapted, finetune.max_length, gpu=True) < 24 * GB


def test_full_training_of_7b_is_refused_on_one_card_with_what_fits(tmp_path: Path) -> None:
    config = make_config({"finetune": {"dtype": "bfloat16"}, "model": {"base": str(tmp_path), "prompt": "gsm8k"}})
    with pytest.raises(
        UserError, match=r"training takes about 1\d\d\.\d GiB but a card has 79\.\d GiB; with .*lora_rank = 16 it takes"
    ):
        check_memory(config, policy_of(tmp_path, QWEN_7B), PROBLEMS, Device("a card", 85 * GB, gpu=True))


def test_the_remedy_that_is_named_fits(tmp_path: Path) -> None:
    config = make_config({"finetune": {"batch_size": 32, "max_length": 4096}, "model": {"base": str(tmp_path)}})
    policy, device = policy_of(tmp_path, QWEN_1_5B), Device("this machine", 48 * GB, gpu=False)
    with pytest.raises(UserError) as refused:
        check_memory(config, policy, PROBLEMS, device)
    named = dict(re.findall(r"(batch_size|accumulation|lora_rank) = (\d+)", str(refused.value)))
    assert {name: int(value) for name, value in named.items()} == {"batch_size": 1, "accumulation": 32}
    changed = {"batch_size": 1, "accumulation": 32, "gradient_checkpointing": True, "max_length": 4096}
    mended = make_config({"finetune": changed, "engine": {"residency": "stop"}, "model": {"base": str(tmp_path)}})
    check_memory(mended, policy, PROBLEMS, device)


def test_damaged_weights_are_a_mistake_before_their_size_is_asked(tmp_path: Path) -> None:
    """A Git LFS pointer read as a header says that it is 2^61 bytes long."""
    policy = policy_of(tmp_path, QWEN_1_5B)
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(UserError, match="Git LFS pointer"):
        check_memory(make_config({"model": {"base": str(tmp_path)}}), policy, PROBLEMS)
    with pytest.raises(UserError, match="Git LFS pointer"):
        parameters_of(policy)


def test_files_beside_the_weights_are_not_counted(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, QWEN_1_5B)
    (tmp_path / "consolidated.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes())
    assert shape_of(tmp_path).parameters == parameters_of(policy) == QWEN_1_5B.parameters


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "consolidated.safetensors"])
def test_a_folder_with_only_files_that_are_not_loaded_is_estimated_as_one_without_weights(
    tmp_path: Path, name: str
) -> None:
    policy = policy_of(tmp_path, QWEN_1_5B)
    (tmp_path / "model.safetensors").rename(tmp_path / name)
    assert parameters_of(policy) == BUILTIN_PARAMETERS
    config = make_config({"model": {"base": str(tmp_path)}, "finetune": {"lora_rank": 8, "lora_saved_as": "adapter"}})
    assert config.finetune.saves_adapters and policy_bytes(config, BUILTIN_PARAMETERS, policy) > 0
    assert needs_of(config, policy, PROBLEMS, Device("a card", 1, gpu=True)) is None
    check_memory(config, policy, PROBLEMS, Device("a card", 1, gpu=True))


def test_a_server_that_stays_counts_beside_the_trainer(tmp_path: Path) -> None:
    policy, device = policy_of(tmp_path, QWEN_1_5B), Device("this machine", 1 << 40, gpu=False)
    stays, stops = (
        needs_of(make_config({"engine": {"residency": how}}), policy, PROBLEMS, device) for how in ("auto", "stop")
    )
    assert stays and stops
    assert stays.peak == stays.engine + stays.trainer > stops.peak == max(stops.engine, stops.trainer)


def test_a_tiny_model_passes_on_this_machine(tiny_llama: TinyLlama) -> None:
    folder = tiny_llama(0)
    check_memory(RunConfig(), Policy("0" * 16, str(folder), "tiny"), PROBLEMS)
    shape = shape_of(folder)
    assert shape.parameters > 0
    assert engine_bytes(shape, RunConfig().engine) > training_bytes(shape, FinetuneSettings(), 8) - (3 << 30)


@pytest.mark.parametrize(
    "smaller",
    [{"gradient_checkpointing": True}, {"lora_rank": 8}, {"weights_dtype": "bfloat16"}, {"batch_size": 1}, {"lora_rank": 8, "dtype": "bfloat16"},
     {"processes": 8, "accelerate_args": ("--use_fsdp",)}],
)  # fmt: skip
def test_what_is_said_to_save_memory_is_predicted_to(smaller: dict[str, object]) -> None:
    plain = training_bytes(QWEN_1_5B, FinetuneSettings(), 256)
    assert training_bytes(QWEN_1_5B, FinetuneSettings.model_validate(smaller), 256) < plain


def test_lora_saves_copies_of_weights_but_no_activations_so_long_rows_need_checkpointing_as_well() -> None:
    lora = FinetuneSettings(lora_rank=8)
    assert training_bytes(QWEN_1_5B, lora, 1024) > training_bytes(QWEN_1_5B, FinetuneSettings(), 1024)
    both = FinetuneSettings(lora_rank=8, gradient_checkpointing=True)
    assert training_bytes(QWEN_1_5B, both, 1024) < training_bytes(
        QWEN_1_5B, FinetuneSettings(gradient_checkpointing=True), 1024
    )

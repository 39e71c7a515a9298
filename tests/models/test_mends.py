"""What was right for Llama and assumed for all: each assumption with a model that breaks it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tasks.domain.errors import UserError, one_sentence
from tasks.domain.schema import Example, Sampling, to_table
from tasks.domain.settings import FinetuneSettings, GenerateSettings
from tasks.engines.architectures import attention_of
from tasks.engines.generation_config import write_generation_config
from tasks.engines.sampling import forward, hf_sampler
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.openai_client import _body, _check_not_cut
from tasks.engines.special_tokens import special_tokens
from tasks.engines.training.sft_rows import tokenize
from tasks.processes.server_log import ending
from tests.models.architectures import BY_LABEL, with_files_of, write_model
from tests.models.matrix import PROMPT, ROWS, plain_loss, train_here
from tests.models.tokenizers import KINDS, write_tokenizer

ASKED = DrawRequest("p", PROMPT, (0,))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """`model(architecture, kind)`: the folder of a tiny random model."""
    root = tmp_path_factory.mktemp("models")

    def make(architecture="llama", kind="byte-level"):
        folder = root / f"{architecture}-{kind}".replace(" ", "-")
        return folder if folder.exists() else write_model(folder, BY_LABEL[architecture], tokenizer=kind)

    return make


@pytest.fixture
def tokenizer_of(tmp_path):
    def load(kind):
        from transformers import AutoTokenizer

        write_tokenizer(tmp_path, KINDS[kind])
        return AutoTokenizer.from_pretrained(tmp_path)

    return load


def rows_of(tokenizer, *pairs):
    examples = [Example(f"p{at}", at, prompt, text, 1.0, 1.0) for at, (prompt, text) in enumerate(pairs)]
    return tokenize(to_table(examples, Example), tokenizer)


def test_an_eos_that_stands_for_unknown_characters_ends_rows_as_any_other(tokenizer_of):
    tokenizer = tokenizer_of("unk = eos")
    made = rows_of(tokenizer, (PROMPT, " 7 €"), (PROMPT, " 7<|endoftext|>8"))
    [row] = made.rows
    assert row.input_ids[-1] == tokenizer.eos_token_id
    [held] = made.held_back
    assert "'<|endoftext|>' inside (which also stands for unknown characters)" in held.reason


@pytest.mark.parametrize("kind", ["SentencePiece", "SentencePiece, no prefix space", "byte-level", "characters"])
@pytest.mark.parametrize("completion", ["\\boxed{4}", " \\boxed{4}", "4", "apples", "x = 1/2\n"])
@pytest.mark.parametrize("prompt", ["Answer:", "Answer: ", "Answer:\n", "Tom has "])
def test_a_completion_stands_behind_its_prompts_own_tokens_and_gives_the_text(tokenizer_of, kind, prompt, completion):
    tokenizer = tokenizer_of(kind)
    [row] = rows_of(tokenizer, (prompt, completion)).rows
    assert list(row.input_ids[: row.prompt_length]) == tokenizer(prompt)["input_ids"]
    assert tokenizer.decode(row.input_ids, skip_special_tokens=True) == prompt + completion


@pytest.mark.parametrize("name", ["gemma2", "llama", "mistral"])
def test_the_trainer_the_proof_and_the_sampler_compute_what_the_config_asks_for(model, tmp_path, name):
    import torch
    from transformers import AutoModelForCausalLM

    base = model(name)
    assert attention_of(base) == ("eager" if name == "gemma2" else None)
    wanted = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager").eval()
    ids = list(range(3, 60))
    with torch.no_grad():
        scores = wanted(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    proof = forward._compute({"path": str(base), "dtype": "float32", "token_ids": ids})["logprobs"]
    np.testing.assert_allclose(proof, scores.gather(1, torch.tensor(ids[1:])[:, None])[:, 0].numpy(), atol=1e-4)
    sampler = hf_sampler._loaded(str(base), "float32", 0).model
    with torch.no_grad():
        np.testing.assert_allclose(
            sampler(torch.tensor([ids])).logits[0, :-1].log_softmax(-1).cpu().numpy(), scores.numpy(), atol=1e-3
        )
    found = train_here(base, tmp_path / "out").history[0]["loss"]
    assert found == pytest.approx(plain_loss(base), rel=1e-5)


@pytest.mark.parametrize("name", ["falcon", "opt", "bloom"])
def test_packing_is_refused_where_a_row_sees_the_one_before_it(model, tmp_path, name):
    with pytest.raises(UserError, match=r"packing mixes rows in this model: .* loss [\d.]+, alone [\d.]+"):
        train_here(model(name), tmp_path / "packed", packing=True)


@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen3_moe"])
def test_packing_is_accepted_where_rows_stay_apart(model, tmp_path, name):
    packed = train_here(model(name), tmp_path / "packed", packing=True).history[0]
    apart = train_here(model(name), tmp_path / "apart").history[0]
    assert packed.get("nll", packed["loss"]) == pytest.approx(apart.get("nll", apart["loss"]), rel=1e-4)


UNSAVABLE = {"generation_config.json": {"temperature": 0.6, "do_sample": False, "repetition_penalty": 1.1}}


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_a_generation_config_that_cannot_be_saved_does_not_end_the_training(model, tmp_path, lora_rank):
    base = with_files_of(model(), tmp_path / "base", UNSAVABLE)
    [epoch] = train_here(base, tmp_path / "out", lora_rank=lora_rank).epochs
    assert (epoch.path / "generation_config.json").read_bytes() == (base / "generation_config.json").read_bytes()


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_an_export_says_what_was_evaluated_in_a_file_that_can_be_saved_again(model, tmp_path, temperature):
    from transformers import GenerationConfig

    folder = with_files_of(model("llama", "ChatML end not EOS"), tmp_path / "export", UNSAVABLE)
    write_generation_config(
        folder, GenerateSettings(temperature=temperature, max_tokens=9), ("<|im_end|>", "Question:")
    )
    made = GenerationConfig.from_pretrained(folder)
    assert made.repetition_penalty in (None, 1.0)
    assert made.do_sample == (temperature > 0)
    assert made.max_new_tokens == 9
    assert made.eos_token_id == [0, 2]  # the stop string is a special token: it ended completions too
    made.save_pretrained(tmp_path / "again")


@pytest.mark.parametrize("missing", [False, True], ids=["no generation config", "another EOS there"])
def test_an_export_ends_where_the_policy_was_taught_to(model, tmp_path, missing):
    """The tokenizer's EOS is behind every target, whatever the generation config of the base says."""
    folder = with_files_of(model(), tmp_path / "export", {"generation_config.json": {"eos_token_id": 5}})
    if missing:
        (folder / "generation_config.json").unlink()
    write_generation_config(folder, GenerateSettings(), ())
    told = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    assert told == (0 if missing else [5, 0])


def test_end_tokens_are_those_of_the_file_that_engines_read(model, tmp_path):
    """config.json names `<|im_end|>` an end and the generation config does not: then no engine stops there by itself."""
    ends = {"config.json": {"eos_token_id": 2}, "generation_config.json": {"eos_token_id": 0}}
    folder = with_files_of(model("llama", "ChatML end not EOS"), tmp_path / "base", ends)
    assert special_tokens(folder).stops(("<|im_end|>",)) == {2: "<|im_end|>"}
    (folder / "generation_config.json").unlink()
    assert special_tokens(folder).stops(("<|im_end|>",)) == {}


def changed_weights(base, folder, **values):
    """A copy of a model in which some tensors are others; None takes one away."""
    shutil.copytree(base, folder)
    tensors = load_file(base / "model.safetensors") | values
    save_file(
        {name: one for name, one in tensors.items() if one is not None},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    return folder


ROUTING = ("output_router_logits", "router_aux_loss_coef")
NAN = np.full((128, 64), np.nan, np.float32)
UP = "model.layers.1.mlp.up_proj.weight"


@pytest.mark.parametrize("values, found", [
    ({UP: None}, f"lacks 1 of its weights, the first is {UP}"),
    ({UP: NAN}, f"{UP} of spoilt holds values that are no numbers"),
    ({"lm_head.weight": np.zeros((328, 64), np.float32)}, r"lm_head.weight of spoilt has the shape \[328, 64\] where its config.json asks for \[320, 64\]"),
])  # fmt: skip
def test_weights_that_are_not_the_models_are_loaded_nowhere(model, tmp_path, values, found):
    """The proof, the sampler of transformers and the trainer refuse what is made up at random, or is no number."""
    base = changed_weights(model(), tmp_path / "spoilt", **values)
    for load in (
        lambda: forward._compute({"path": str(base), "dtype": "float32", "token_ids": [3, 4, 5]}),
        lambda: hf_sampler._loaded(str(base), "float32", 1),
        lambda: train_here(base, tmp_path / "out"),
    ):
        with pytest.raises(UserError, match=found):
            load()


def test_a_config_that_transformers_cannot_make_a_model_of_is_a_mistake(model, tmp_path):
    rope = {"rope_parameters": None, "rope_theta": 1e4, "rope_scaling": {"type": "nobodys", "factor": 2.0}}
    base = with_files_of(model(), tmp_path / "base", {"config.json": rope})
    with pytest.raises(UserError, match="no model that transformers can load: 'nobodys'"):
        forward._compute({"path": str(base), "dtype": "float32", "token_ids": [3, 4, 5]})


@pytest.mark.parametrize("scaling", ["linear", "yarn", "llama3"])
def test_a_longer_context_by_scaled_positions_is_trained_as_plain_transformers_computes_it(model, tmp_path, scaling):
    how = {
        "rope_type": scaling,
        "factor": 4.0,
        "original_max_position_embeddings": 64,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
    }
    rope = {"rope_parameters": None, "rope_theta": 1e4, "rope_scaling": how}
    base = with_files_of(model(), tmp_path / "base", {"config.json": rope})
    assert train_here(base, tmp_path / "out").history[0]["loss"] == pytest.approx(plain_loss(base), rel=1e-5)
    assert plain_loss(base) != pytest.approx(plain_loss(model()), rel=1e-5)


def test_a_routers_loss_stands_apart_from_the_nll(model, tmp_path):
    result = train_here(model("qwen2_moe"), tmp_path / "out")
    [entry] = result.history
    assert entry["router_loss"] > 0
    assert entry["loss"] == pytest.approx(entry["nll"] + entry["router_loss"])
    assert entry["nll"] == pytest.approx(plain_loss(model("qwen2_moe")), rel=1e-4)
    assert result.epochs[0].train_loss == pytest.approx(entry["nll"])


def test_a_mixtures_kind_without_experts_has_no_routers_loss(model, tmp_path):
    """Dense Granite 4 models have the fields of the mixture and no router, of which TRL asked the loss."""
    base = model("granitemoehybrid")
    result = train_here(base, tmp_path / "out")
    assert "router_loss" not in result.history[0]
    assert result.history[0]["loss"] == pytest.approx(plain_loss(base), rel=1e-4)
    saved = json.loads((result.epochs[-1].path / "config.json").read_text())
    before = json.loads((base / "config.json").read_text())
    assert [saved[name] for name in ROUTING] == [before[name] for name in ROUTING]


def test_a_row_that_cannot_be_a_target_is_held_back_and_told(model, tmp_path):
    rows = (*ROWS, Example("odd", 9, PROMPT, " 7<|endoftext|>8", 1.0, 1.0))
    result = train_here(model(), tmp_path / "out", rows, max_held_back_share=0.5)
    assert [one.row for one in result.held_back] == ["odd/9"]
    with pytest.raises(UserError, match=r"row odd/9: .*1 of 5 rows"):
        train_here(model(), tmp_path / "refused", rows)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_policies_are_saved_in_the_dtype_that_is_asked_for(model, tmp_path, lora_rank):
    whole = train_here(model(), tmp_path / "whole", lora_rank=lora_rank).epochs[0].path
    half = train_here(model(), tmp_path / "half", lora_rank=lora_rank, save_dtype="float16").epochs[0].path
    assert json.loads((half / "config.json").read_text())["dtype"] == "float16"
    one, other = load_file(whole / "model.safetensors"), load_file(half / "model.safetensors")
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values.astype(np.float16), other[name])
    assert sum(file.stat().st_size for file in half.glob("*.safetensors")) < 0.6 * sum(
        file.stat().st_size for file in whole.glob("*.safetensors")
    )


def test_new_settings_stay_out_of_the_key_at_their_defaults():
    assert not {"save_dtype", "max_held_back_share"} & FinetuneSettings().content().keys()
    assert FinetuneSettings(save_dtype="bfloat16").content()["save_dtype"] == "bfloat16"


def special(tmp_path, kind):
    write_tokenizer(tmp_path, KINDS[kind])
    return special_tokens(tmp_path)


def test_a_stop_string_that_is_a_special_token_is_asked_for_by_its_id(tmp_path):
    sampling = Sampling(stop=("<|im_end|>", "Question:"))
    body = _body("m", ASKED, 1, sampling, special(tmp_path, "ChatML end not EOS"))
    assert body["stop_token_ids"] == [2]
    assert "skip_special_tokens" not in body


@pytest.mark.parametrize("kind", ["chat with default system text", "byte-level", "SentencePiece", "several EOS ids"])
def test_other_requests_stay_as_they_were(tmp_path, kind):
    body = _body("m", ASKED, 1, Sampling(stop=("<|im_end|>", "Question:")), special(tmp_path, kind))
    assert not {"stop_token_ids", "skip_special_tokens"} & body.keys()


def test_marks_that_come_in_pairs_stay_in_the_text(tmp_path):
    assert _body("m", ASKED, 1, Sampling(), special(tmp_path, "thinking template"))["skip_special_tokens"] is False


@pytest.mark.parametrize(
    "kind, ids, text, reason",
    [
        ("ChatML end not EOS", "7<|im_end|>8", "7", "<|im_end|>"),
        ("ChatML end not EOS", "7<|endoftext|>8", "7", None),
        ("chat with default system text", "7<|im_end|>8", "7", None),
        ("thinking template", "<think>3 + 4</think>7<|im_end|>8", "<think>3 + 4</think>7", "<|im_end|>"),
    ],
)
def test_the_sampler_of_transformers_ends_and_keeps_the_same(tokenizer_of, kind, ids, text, reason):
    tokenizer = tokenizer_of(kind)
    hf_sampler._special.cache_clear()
    loaded = hf_sampler._Loaded(None, tokenizer, (tokenizer.eos_token_id,))
    found = hf_sampler._completion(tokenizer(ids)["input_ids"], 1, loaded, {"stop": ["<|im_end|>"]})
    assert (found["text"], found["stop_reason"], found["finish_reason"]) == (text, reason, "stop")


def test_a_stop_token_is_named_and_is_no_end_of_the_checkpoint_in_every_batch(model):
    base = model("llama", "ChatML end not EOS")
    hf_sampler._special.cache_clear()
    load = {"path": str(base), "dtype": "float32", "max_model_len": 256}
    sampling = {"temperature": 5.0, "top_k": 0, "top_p": 1.0, "max_tokens": 128, "stop": ["<|im_end|>"]}
    rows = [{"problem_id": "p", "prompt": PROMPT}] * 64
    reason_of = {2: "<|im_end|>", 0: None}  # the stop token, and the EOS of the checkpoint
    for stop in (["<|im_end|>"], [], ["<|im_end|>"]):
        sampling["stop"] = stop
        message = {"load": load, "seed": 0, "rows": rows, "sampling": sampling, "complete": False}
        drawn = hf_sampler._handle(message)["completions"]
        ended = [one for one in drawn if one["finish_reason"] == "stop"]
        assert {one["stop_reason"] for one in ended} == ({"<|im_end|>", None} if stop else {None})
        assert all(one["stop_reason"] == reason_of[one["token_ids"][-1]] for one in ended)


def test_a_completion_that_the_context_cut_is_refused(tmp_path):
    request = DrawRequest("p7", PROMPT, (0,))
    choice = {"finish_reason": "length", "token_ids": [1] * 5}
    _check_not_cut(request, [choice], {"prompt_tokens": 250}, 5)
    with pytest.raises(UserError, match=r"problem p7: its prompt has 250 tokens.* after 5 instead of max_tokens = 64"):
        _check_not_cut(request, [choice], {"prompt_tokens": 250}, 64)


LOG = """(APIServer pid=7) ERROR 11-25 21:37:07 [core.py:53] pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
(APIServer pid=7)   Value error, the model's context is 2048 [type=value_error]
(APIServer pid=7) INFO 11-25 21:37:07 [core.py:54] bye
"""


def test_a_message_of_several_lines_keeps_its_reason():
    assert one_sentence("\n\n  first\nsecond ") == "first second"
    assert one_sentence(ValueError("")) == "ValueError"
    assert "1 validation error for ModelConfig Value error, the model's context is 2048" in ending(1, LOG)
    assert ending(1, "ValueError:\n\nthe reason\nmore") == "ended with code 1: ValueError: the reason"
    assert "bye" not in ending(1, LOG)


def test_a_base_without_attention_settings_has_none(tmp_path):
    Path(tmp_path / "config.json").write_text("{}")
    assert attention_of(tmp_path) is None

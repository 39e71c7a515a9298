"""A base model that a run could not use is refused in one sentence before anything is spent; what is only worth knowing is told."""

import json
import shutil
from contextlib import nullcontext
from dataclasses import replace

import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Policy
from tasks.engines.architectures import needs_of, read_config
from tasks.engines.look import look as looking
from tasks.engines.look.asked import Asked
from tasks.engines.look.look import look
from tasks.engines.look.program import probe, require_apart
from tasks.engines.look.texts import plain_tokenizer
from tasks.engines.policy_model import policy_model
from tests.models.architectures import ARCHITECTURES, BY_LABEL, Architecture, with_files_of, write_model
from tests.models.matrix import PROMPT
from tests.models.tokenizers import KINDS

ASKED = Asked((PROMPT,), " 3 + 4 = 7. The answer is \\boxed{7}.", ("Question:",), 64)
REFUSED = {
    "no EOS": "has no EOS token",
    "appends EOS": "behind every text.*add_eos_token",
    "words without spaces": "whitespace is lost",
    "byte-level declared as Llama's": "whitespace is lost.*PreTrainedTokenizerFast",
}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """`llama(kind)`: a tiny Llama with a tokenizer of that kind."""
    root = tmp_path_factory.mktemp("look")

    def make(kind="byte-level"):
        folder = root / kind.replace(" ", "-").replace("'", "")
        return folder if folder.exists() else write_model(folder, BY_LABEL["llama"], tokenizer=kind)

    return make


def see(folder, tmp_path, asked=ASKED):
    return look(folder, Policy(digest_of_text(str(folder)), str(folder), "base"), asked, tmp_path / "scratch")


def with_weights(base, folder, change):
    """A copy of a model whose tensors went through `change`."""
    shutil.copytree(base, folder)
    save_file(change(load_file(base / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in REFUSED])
def test_tokenizers_that_keep_the_text_pass(llama, tmp_path, kind):
    assert plain_tokenizer(llama(kind))
    see(llama(kind), tmp_path)


@pytest.mark.parametrize("kind", REFUSED)
def test_tokenizers_that_would_spoil_a_run_are_refused_with_the_remedy(llama, tmp_path, kind):
    with pytest.raises(UserError, match=REFUSED[kind]):
        see(llama(kind), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_tokenizer_is_what_transformers_makes_of_it(llama, kind):
    from transformers import AutoTokenizer

    folder = llama(kind)
    ours, theirs = plain_tokenizer(folder), AutoTokenizer.from_pretrained(folder)
    if ours is None:
        return
    for text in (PROMPT, "  two  spaces\n\n<|im_end|>x", ASKED.solution):
        ids = theirs(text)["input_ids"]
        assert ours(text)["input_ids"] == ids
        assert (
            ours([text], add_special_tokens=False)["input_ids"] == theirs([text], add_special_tokens=False)["input_ids"]
        )
        assert ours.decode(ids, skip_special_tokens=True) == theirs.decode(ids, skip_special_tokens=True)
    names = ("eos_token_id", "bos_token_id", "unk_token_id", "eos_token", "bos_token")
    assert [getattr(ours, name) or None for name in names] == [getattr(theirs, name) or None for name in names]


@pytest.mark.parametrize(
    "name, values, found",
    [
        ("config.json", {"vocab_size": 300}, "320 embeddings but config.json says vocab_size 300"),
        ("config.json", {"quantization_config": {"bits": 4}}, "quantised"),
        (
            "model.safetensors.index.json",
            {"weight_map": {"a": "model-00002.safetensors"}},
            "lacks model-00002.safetensors",
        ),
    ],
)
def test_files_that_do_not_fit_together_are_refused(llama, tmp_path, name, values, found):
    with pytest.raises(UserError, match=found):
        see(with_files_of(llama(), tmp_path / "changed", {name: values}), tmp_path)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"{", b"\xef\xbb\xbf{}", b"[]", b"\xff"], ids=["cut", "bom", "list", "bytes"])
def test_a_damaged_json_file_is_named(llama, tmp_path, name, content):
    shutil.copytree(llama(), tmp_path / "damaged")
    (tmp_path / "damaged" / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name} (is not JSON|holds a list)"):
        see(tmp_path / "damaged", tmp_path)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
@pytest.mark.parametrize("value", [999, [0, 320]])
def test_a_token_of_the_configs_without_an_embedding_is_refused(llama, tmp_path, name, value):
    with pytest.raises(
        UserError, match=rf"{name} of changed says eos_token_id (999|320), but the model has 320 embeddings"
    ):
        see(with_files_of(llama(), tmp_path / "changed", {name: {"eos_token_id": value}}), tmp_path)
    see(with_files_of(llama(), tmp_path / "none", {name: {"pad_token_id": -1}}), tmp_path)  # as Llama 1 has it


def test_a_token_that_transformers_would_add_behind_the_embeddings_is_refused(llama, tmp_path):
    """`[PAD]` named in tokenizer_config.json and in no vocabulary: padded prompts would have ids without an embedding."""
    size = Tokenizer.from_file(str(llama() / "tokenizer.json")).get_vocab_size()

    def narrowed(tensors):
        return {name: values[:size] if len(values) == 320 else values for name, values in tensors.items()}

    narrow = with_weights(llama(), tmp_path / "narrow", narrowed)
    changed = {"config.json": {"vocab_size": size}, "tokenizer_config.json": {"pad_token": "[PAD]"}}
    with pytest.raises(UserError, match=rf"pad_token '\[PAD\]' as number {size}, but the model has {size} embeddings"):
        see(with_files_of(narrow, tmp_path / "padded", changed), tmp_path)
    see(with_files_of(llama(), tmp_path / "room", {"tokenizer_config.json": {"pad_token": "[PAD]"}}), tmp_path)


def test_padding_that_a_training_left_in_the_tokenizer_is_no_fault(llama, tmp_path):
    shutil.copytree(llama(), tmp_path / "left")
    made = Tokenizer.from_file(str(llama() / "tokenizer.json"))
    made.enable_padding(length=512, pad_id=1, pad_token="<|pad|>")
    made.enable_truncation(8)
    made.save(str(tmp_path / "left" / "tokenizer.json"))
    see(tmp_path / "left", tmp_path)


def test_a_special_token_beyond_the_embeddings_is_refused(llama, tmp_path):
    folder = tmp_path / "beyond"
    shutil.copytree(llama(), folder)
    made = json.loads((folder / "tokenizer.json").read_text())
    made["added_tokens"].append({**made["added_tokens"][0], "id": 400, "content": "<|late|>"})
    (folder / "tokenizer.json").write_text(json.dumps(made))
    with pytest.raises(UserError, match=r"<\|late\|>' as number 400, but the model has 320 embeddings"):
        see(folder, tmp_path)


def test_a_prompt_that_leaves_no_room_is_refused_with_what_would_fit(llama, tmp_path):
    with pytest.raises(
        UserError, match=r"a prompt has (\d+) tokens and max_tokens is 250.*context of 256.*lower max_tokens to"
    ):
        see(llama(), tmp_path, Asked((PROMPT,), "", (), 250))
    with pytest.raises(UserError, match="context of 64"):
        see(llama(), tmp_path, Asked((PROMPT,), "", (), 60, context=64))


def test_packing_that_an_architecture_cannot_do_is_refused(tmp_path):
    folder = write_model(tmp_path / "opt", BY_LABEL["opt"])
    see(folder, tmp_path)
    with pytest.raises(UserError, match=r"finetune\.packing = false"):
        see(folder, tmp_path, Asked((PROMPT,), "", (), 64, packing=True))


def test_what_is_worth_knowing_is_told(llama, tmp_path):
    folder = with_files_of(
        llama("ChatML end not EOS"), tmp_path / "told",
        {"generation_config.json": {"temperature": 0.6, "do_sample": False, "repetition_penalty": 1.1}},
    )  # fmt: skip
    notes = see(folder, tmp_path, Asked((PROMPT,), "", ("<|im_end|>",), 64))
    assert any("'<|im_end|>' is special token" in note for note in notes)
    assert any("repetition_penalty" in note for note in notes)
    assert any("do_sample false" in note for note in notes)
    assert any("EOS also stands" in note for note in see(llama("unk = eos"), tmp_path))
    assert any("<think>" in note for note in see(llama("thinking template"), tmp_path))


def test_a_second_look_reads_nothing_but_its_memory(llama, tmp_path, monkeypatch):
    good, bad = llama(), llama("no EOS")
    first = see(good, tmp_path)
    with pytest.raises(UserError) as refused:
        look(bad, Policy("e" * 16, str(bad)), ASKED, tmp_path / "scratch")
    monkeypatch.setattr(looking, "_look", lambda *_: pytest.fail("looked again"))
    assert see(good, tmp_path) == first
    with pytest.raises(UserError) as again:
        look(bad, Policy("e" * 16, str(bad)), ASKED, tmp_path / "scratch")
    assert str(again.value) == str(refused.value)


def test_a_look_without_memory_writes_nothing(llama, tmp_path):
    look(llama(), Policy("d" * 16, str(llama())), ASKED, tmp_path / "scratch", remember=False)
    assert not (tmp_path / "scratch").exists()


@pytest.mark.heavy
def test_an_architecture_without_an_entry_is_probed(tmp_path):
    folder = write_model(tmp_path / "helium", Architecture("helium", {"head_dim": 32}))
    assert any("'helium' is not in the table" in note for note in see(folder, tmp_path))
    unknown = with_files_of(folder, tmp_path / "unknown", {"config.json": {"model_type": "nobodys"}})
    with pytest.raises(UserError, match="architecture that this transformers does not know"):
        see(unknown, tmp_path)


@pytest.mark.parametrize("one", ARCHITECTURES, ids=lambda one: one.label)
def test_probe_and_table_say_of_packed_rows_what_the_model_does(tmp_path, one):
    """Among them LFM 2, whose memory of two tokens hardly shows in weights as they are first made, and layers of several kinds."""
    folder = write_model(tmp_path / "base", one)
    needs = needs_of(read_config(folder))
    apart = nullcontext() if keeps_apart(folder) else pytest.raises(UserError, match="packing mixes rows")
    assert not needs.known or needs.packing == keeps_apart(folder)
    if needs.attention or "ALiBi" in one.label:
        return  # the probe refuses them, since their implementations differ
    assert probe(folder, packing=False)
    with apart:
        probe(folder, packing=True)


def keeps_apart(folder):
    try:
        require_apart(policy_model(folder, "float32"))
    except UserError:
        return False
    return True


def test_an_output_head_that_vllm_would_leave_out_is_refused(tmp_path):
    assert not needs_of({"model_type": "cohere"}).refused
    folder = write_model(tmp_path / "base", Architecture("cohere", {"tie_word_embeddings": False}))
    with pytest.raises(UserError, match=r"cohere.*ties the two.*tie_word_embeddings = true"):
        see(folder, tmp_path)


def test_an_architecture_that_vllm_does_not_serve_on_the_cpu_is_refused_where_it_would_have_to(tmp_path):
    folder = write_model(tmp_path / "base", BY_LABEL["mamba"])
    with pytest.raises(UserError, match=r"'mamba'.*no kernel on the CPU; set engine.kind = 'hf'"):
        see(folder, tmp_path, replace(ASKED, server="cpu"))
    see(folder, tmp_path, replace(ASKED, server="gpu"))
    see(folder, tmp_path)


def test_linear_attention_that_vllm_computes_in_one_dtype_on_the_cpu_needs_that_dtype(tmp_path):
    folder = write_model(tmp_path / "base", BY_LABEL["qwen3_next"])
    with pytest.raises(UserError, match=r"'qwen3_next'.*bfloat16 alone; set engine.dtype = 'bfloat16'"):
        see(folder, tmp_path, replace(ASKED, server="cpu"))
    see(folder, tmp_path, replace(ASKED, server="cpu", dtype="bfloat16"))
    see(folder, tmp_path, replace(ASKED, server="gpu"))


@pytest.mark.parametrize("label, lacking", [("lfm2", "conv_dim"), ("deepseek_v3", "topk_method")])
def test_what_vllm_reads_of_a_config_and_is_not_there_is_named(tmp_path, label, lacking):
    """transformers has no such fields of its own: it keeps them where a config had them."""
    folder = write_model(tmp_path / "base", BY_LABEL[label])
    see(folder, tmp_path, replace(ASKED, server="cpu"))
    bare = with_files_of(folder, tmp_path / "bare", {"config.json": {lacking: None}})
    with pytest.raises(UserError, match=rf"of whose config.json vLLM reads {lacking}, which is not there"):
        see(bare, tmp_path, replace(ASKED, server="cpu"))
    see(bare, tmp_path)


def test_contexts_beyond_a_window_that_vllm_takes_for_longer_are_refused(tmp_path):
    """Cohere 2: vLLM's sliding layers see one token more than transformers'."""
    window = 200
    made = write_model(tmp_path / "made", BY_LABEL["cohere2"])
    folder = with_files_of(made, tmp_path / "base", {"config.json": {"sliding_window": window}})
    for context in (None, window + 1):
        with pytest.raises(UserError, match=rf"set engine.max_model_len to at most {window}"):
            see(folder, tmp_path, replace(ASKED, server="cpu", context=context))
    see(folder, tmp_path, replace(ASKED, server="cpu", context=window))
    see(folder, tmp_path)

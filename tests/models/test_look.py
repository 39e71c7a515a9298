"""A base model that a run could not use is refused in one sentence before anything is spent; what is only worth knowing is told."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from tasks.base import check_model_folder
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Policy
from tasks.engines.architectures import needs_of
from tasks.engines.look import look as looking
from tasks.engines.look.asked import Asked
from tasks.engines.look.files import _lacking, check_files
from tasks.engines.look.look import look
from tasks.engines.look.texts import plain_tokenizer
from tasks.engines.weight_files import shapes_in
from tests.models.architectures import BY_LABEL, Architecture, with_files_of, write_model
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


@pytest.mark.parametrize(
    "spoil, found",
    [
        (lambda data: data[:-100], "bytes where its header says"),
        (lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (lambda data: data[:4], "no whole safetensors file"),
    ],
)
def test_weights_that_are_not_whole_are_refused_by_their_headers(llama, tmp_path, spoil, found):
    folder = tmp_path / "spoilt"
    shutil.copytree(llama(), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(spoil(weights.read_bytes()))
    with pytest.raises(UserError, match=found):
        see(folder, tmp_path)


def with_weights(base, folder, change):
    """A copy of a model whose tensors went through `change`."""
    shutil.copytree(base, folder)
    save_file(change(load_file(base / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def in_two_files(base, folder, lost=""):
    """A copy of a model in two files with an index; `lost` is a tensor that neither has."""
    shutil.copytree(base, folder)
    tensors = {name: values for name, values in load_file(base / "model.safetensors").items() if name != lost}
    place = {name: f"model-0000{1 + at % 2}-of-00002.safetensors" for at, name in enumerate(sorted(tensors))}
    for file in set(place.values()):
        save_file(
            {name: tensors[name] for name in place if place[name] == file}, folder / file, metadata={"format": "pt"}
        )
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": place}))
    return folder


@pytest.mark.parametrize(
    "gone, found",
    [
        (lambda name: ".layers.1." in name, "has no weights for layer 1 of 2"),
        (lambda name: "layers.0.mlp.up_proj" in name, "has no weights for mlp.up_proj.weight of layer 0"),
        (lambda name: name == "lm_head.weight", "has no weights for its output head"),
    ],
)
def test_weights_that_libraries_would_make_up_are_missed(llama, tmp_path, gone, found):
    def kept(tensors):
        return {name: values for name, values in tensors.items() if not gone(name)}

    with pytest.raises(UserError, match=found):
        see(with_weights(llama(), tmp_path / "cut", kept), tmp_path)


GEMMA3 = {
    "model_type": "gemma3", "vision_config": {"model_type": "siglip_vision_model", "num_hidden_layers": 2},
    "text_config": {"model_type": "gemma3_text", "num_hidden_layers": 3, "vocab_size": 8, "hidden_size": 2},
}  # fmt: skip
TEXT, TOWER = ("input_layernorm", "self_attn.q_proj", "mlp.up_proj"), ("layer_norm1", "self_attn.q_proj", "mlp.fc1")


def multimodal(folder, text, tower, towers_layers=2, gone=()):
    """The files of a Gemma 3 with a vision tower: what the headers say, and hardly any weights."""
    names = [
        f"{text}embed_tokens.weight",
        *(f"{text}layers.{layer}.{part}.weight" for layer in range(3) for part in TEXT),
    ]
    names += [f"{tower}{layer}.{part}.weight" for layer in range(towers_layers) for part in TOWER]
    tensors = {name: np.zeros((8, 2), np.float32) for name in names if not any(one in name for one in gone)}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(GEMMA3))
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.mark.parametrize("towers_layers", [2, 5], ids=["shorter", "longer"])
@pytest.mark.parametrize(
    "text, tower",
    [
        ("language_model.model.", "vision_tower.vision_model.encoder.layers."),
        ("model.language_model.", "model.visual.blocks."),
        ("model.", "visual.blocks."),
    ],
)
def test_the_layers_of_a_vision_tower_are_not_those_of_the_text_model(tmp_path, text, tower, towers_layers):
    check_files(multimodal(tmp_path, text, tower, towers_layers))
    for gone, found in {
        f"{text}layers.1.": "no weights for layer 1 of 3",
        f"{text}layers.1.self_attn": r"no weights for self_attn\.q_proj\.weight of layer 1",
    }.items():
        with pytest.raises(UserError, match=found):
            check_files(multimodal(tmp_path, text, tower, towers_layers, [gone]))


SHARING = {"num_hidden_layers": 4, "num_kv_shared_layers": 2}
KEYS_AS_VALUES = {
    "num_hidden_layers": 4,
    "attention_k_eq_v": True,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
}
OWN, VALUES = ("self_attn.k_proj", "self_attn.v_proj"), ("self_attn.v_proj",)


@pytest.mark.parametrize(
    "settings, without, sound",
    [
        (SHARING, {2: OWN, 3: OWN}, True),  # Gemma 3n, Gemma 4
        (SHARING, {1: OWN, 2: OWN, 3: OWN}, False),
        (SHARING, {2: OWN, 3: (*OWN, "mlp.up_proj")}, False),
        ({"num_hidden_layers": 4}, {2: OWN, 3: OWN}, False),
        (KEYS_AS_VALUES, {1: VALUES, 3: VALUES}, True),  # the larger of Gemma 4
        (KEYS_AS_VALUES, {1: VALUES, 2: VALUES, 3: VALUES}, False),
        (KEYS_AS_VALUES, {1: VALUES, 3: OWN}, False),
        ({**KEYS_AS_VALUES, "attention_k_eq_v": False}, {1: VALUES, 3: VALUES}, False),
    ],
)
def test_layers_that_use_other_keys_and_values_lack_nothing(settings, without, sound):
    parts = ("self_attn.q_proj", *OWN, "mlp.up_proj")
    shapes = {
        f"model.layers.{layer}.{part}.weight": (2, 2)
        for layer in range(4)
        for part in parts
        if part not in without.get(layer, ())
    }
    assert (not list(_lacking(settings, shapes))) == sound


@pytest.mark.parametrize("label", ["gpt2", "bloom"])
def test_layers_count_as_well_where_nothing_stands_in_front_of_their_names(tmp_path, label):
    """GPT-2 and BLOOM are published with `h.0.mlp...` and `wte.weight`, without `transformer.`."""
    whole = write_model(tmp_path / "whole", BY_LABEL[label])

    def bare(folder, *gone):
        def change(tensors):
            named = {name.removeprefix("transformer."): values for name, values in tensors.items()}
            return {name: values for name, values in named.items() if not name.startswith(gone)}

        return with_weights(whole, folder, change)

    see(bare(tmp_path / "bare", "nothing"), tmp_path)
    for number, (gone, found) in enumerate({"h.1.": "layer 1 of 2", "h.0.mlp": r"mlp\.\S+ of layer 0"}.items()):
        with pytest.raises(UserError, match=f"has no weights for {found}"):
            see(bare(tmp_path / f"cut-{number}", gone), tmp_path)


def test_weights_in_several_files_are_counted_by_their_index(llama, tmp_path):
    whole, parts = llama(), in_two_files(llama(), tmp_path / "parts")
    shutil.copy(whole / "model.safetensors", parts / "consolidated.safetensors")
    see(parts, tmp_path)
    assert shapes_in(parts) == shapes_in(whole)
    lost = "model.layers.1.mlp.up_proj.weight"
    with pytest.raises(UserError, match=r"mlp\.up_proj\.weight of layer 1"):
        see(in_two_files(whole, tmp_path / "lost", lost), tmp_path)
    both = in_two_files(whole, tmp_path / "both")
    shutil.copy(whole / "model.safetensors", both)
    with pytest.raises(UserError, match="beside it an index of other files"):
        see(both, tmp_path)


def test_weights_under_a_name_that_is_not_loaded_are_refused(llama, tmp_path):
    shutil.copytree(llama(), tmp_path / "renamed")
    (tmp_path / "renamed" / "model.safetensors").rename(tmp_path / "renamed" / "weights.safetensors")
    with pytest.raises(UserError, match=r"neither model.safetensors nor .*found: weights.safetensors"):
        see(tmp_path / "renamed", tmp_path)


@pytest.mark.parametrize("other", ["adapter_model.safetensors", "consolidated.safetensors"])
def test_weights_that_are_not_the_models_make_no_base(llama, tmp_path, other):
    folder = tmp_path / "base"
    shutil.copytree(llama(), folder)
    check_model_folder(folder, "base")
    (folder / "model.safetensors").rename(folder / other)
    with pytest.raises(UserError, match=rf"lacks model.safetensors or .*found: .*{other}"):
        check_model_folder(folder, "base")


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
    folder = write_model(tmp_path / "olmo", Architecture("olmo"))
    assert any("'olmo' is not in the table" in note for note in see(folder, tmp_path))
    alibi = write_model(
        tmp_path / "mpt", Architecture("mpt", {"d_model": 64, "n_heads": 2, "n_layers": 2, "max_seq_len": 256})
    )
    with pytest.raises(UserError, match=r"packing"):
        see(alibi, tmp_path, Asked((PROMPT,), "", (), 64, packing=True))
    for label in (
        "lfm2",
        "granitemoehybrid",
    ):  # two tokens of memory, which weights as they are first made hardly show; a recurrent state
        with pytest.raises(UserError, match=r"packing mixes rows"):
            see(write_model(tmp_path / label, BY_LABEL[label]), tmp_path, Asked((PROMPT,), "", (), 64, packing=True))
    unknown = with_files_of(folder, tmp_path / "unknown", {"config.json": {"model_type": "nobodys"}})
    with pytest.raises(UserError, match="architecture that this transformers does not know"):
        see(unknown, tmp_path)


def test_an_output_head_that_vllm_would_leave_out_is_refused(tmp_path):
    assert not needs_of({"model_type": "cohere"}).refused
    folder = write_model(tmp_path / "base", Architecture("cohere", {"tie_word_embeddings": False}))
    with pytest.raises(UserError, match=r"cohere.*ties the two.*tie_word_embeddings = true"):
        see(folder, tmp_path)

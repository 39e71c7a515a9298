"""Weights that a run could not use are refused by their headers, before anything is loaded; those that only look odd are taken."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tasks.base import check_model_folder
from tasks.domain.errors import UserError
from tasks.engines.look.files import _lacking, check_files
from tasks.engines.weight_files import shapes_in
from tests.models.architectures import BY_LABEL, write_model
from tests.models.test_look import see, with_weights


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """The folder of a tiny Llama, by a call."""
    folder = write_model(tmp_path_factory.mktemp("weights") / "base", BY_LABEL["llama"])
    return lambda: folder


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

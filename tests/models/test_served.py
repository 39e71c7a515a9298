"""What the installed vLLM serves is known from its own registry before it is started: served, probed or refused, and nothing else."""

import importlib.util
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tasks.domain.errors import UserError
from tasks.engines.architectures import TABLE
from tasks.engines.look.program import probe
from tasks.engines.look.served import (
    architecture_of,
    check_served,
    probe_served,
    registry,
    registry_in,
    through_transformers,
)
from tests.models.architectures import BY_LABEL, Architecture, with_files_of, write_model
from tests.models.test_look import ASKED, see

pytestmark = pytest.mark.skipif(registry() is None, reason="no vLLM is installed")
SERVED_HERE = replace(ASKED, server="cpu")
SOURCE = """
_TEXT_GENERATION_MODELS = {"AForCausalLM": ("a", "AForCausalLM"), "BForCausalLM": ("vllm.models.b", "BForCausalLM")}
_EMBEDDING_MODELS = {"AModel": ("a", "AModel"), "BForCausalLM": ("b", "B"), **{k: v for k, v in _TEXT_GENERATION_MODELS.items()}}
_TRANSFORMERS_SUPPORTED_MODELS = {"CForCausalLM": ("transformers", "TransformersForCausalLM")}
_PREVIOUSLY_SUPPORTED_MODELS = {"DForCausalLM": "0.28.0"}
"""


def folder_of(tmp_path, **config):
    folder = tmp_path / "base"
    folder.mkdir(exist_ok=True)
    return with_files_of(folder, tmp_path / str(len(list(tmp_path.iterdir()))), {"config.json": config})


def causal_architectures():
    """Every model type that transformers makes a causal language model of, with the name of its class."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return dict(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def test_a_registry_is_read_from_its_source():
    found = registry_in(SOURCE)
    assert found.generating == {"AForCausalLM": "a", "BForCausalLM": "vllm.models.b", "CForCausalLM": "transformers"}
    assert found.others == {"AModel"}
    assert found.gone == {"DForCausalLM": "0.28.0"}
    assert registry_in("import elsewhere\n") is None


def test_every_causal_model_type_is_served_probed_or_refused(tmp_path):
    """Light: no model code is imported. All that have a row in the table are served, or named there as unserved."""
    answers = {}
    for kind, name in causal_architectures().items():
        try:
            answers[kind] = check_served(folder_of(tmp_path, architectures=[name], model_type=kind))
        except UserError as fault:
            answers[kind] = str(fault)
    served = {kind for kind, answer in answers.items() if answer is True}
    probed = {kind for kind, answer in answers.items() if answer is False}
    refused = answers.keys() - served - probed
    assert {"llama", "qwen3_5_text", "mamba", "gpt_neox"} <= served
    assert {"mpt", "nanochat", "gpt_neo"} <= probed
    assert not refused & TABLE.keys() and all("serves for embeddings" in answers[kind] for kind in refused)


@pytest.mark.heavy
@pytest.mark.engine
def test_the_look_answers_as_vllms_own_registry():
    from vllm.model_executor.models.registry import ModelRegistry

    config = SimpleNamespace(
        hf_config=None, model_impl="auto", model="", _get_transformers_backend_cls=lambda: "TransformersForCausalLM"
    )
    known = registry()
    assert known.generating.keys() | known.others == set(ModelRegistry.get_supported_archs())
    for name in set(causal_architectures().values()) - ModelRegistry.get_supported_archs():
        assert through_transformers(name) == bool(ModelRegistry._try_resolve_transformers(name, config)), name


def test_an_architecture_that_vllm_gave_up_is_refused_with_its_last_version(tmp_path):
    """transformers computes MPT without its own attention interface, so vLLM cannot run that code either."""
    base = write_model(tmp_path / "base", BY_LABEL["mpt"])
    with pytest.raises(
        UserError,
        match=r"'MptForCausalLM', which vLLM served until 0[\d.]+ and serves no longer; set engine.kind = 'hf'",
    ):
        see(base, tmp_path, SERVED_HERE)
    see(base, tmp_path)


@pytest.mark.parametrize("name, sentence", [
    ("NobodysForCausalLM", "'NobodysForCausalLM', which vLLM does not serve"),
    ("GPTNeoForCausalLM", "which vLLM does not serve; set engine.kind = 'hf'"),
])  # fmt: skip
def test_an_architecture_without_code_that_vllm_can_run_is_refused(tmp_path, name, sentence):
    folder = folder_of(tmp_path, architectures=[name])
    assert not check_served(folder)
    with pytest.raises(UserError, match=sentence):
        probe_served(folder)


def test_an_architecture_that_vllm_runs_through_transformers_code_passes(tmp_path):
    folder = folder_of(tmp_path, architectures=["NanoChatForCausalLM"])
    assert not check_served(folder)
    probe_served(folder)


@pytest.mark.parametrize(
    "name", ["LlamaModel", "LlamaForSequenceClassification", "BertForMaskedLM", "JambaForRewardModeling"]
)
def test_a_model_without_a_language_head_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=rf"'{name}', which vLLM serves for embeddings or scores.*ForCausalLM"):
        check_served(folder_of(tmp_path, architectures=[name]))


@pytest.mark.parametrize("named", [None, [], "LlamaForCausalLM", [None]])
def test_a_config_without_architectures_is_refused(tmp_path, named):
    with pytest.raises(UserError, match="names no architectures, by which vLLM chooses"):
        check_served(folder_of(tmp_path, architectures=named))


def test_of_several_architectures_the_one_that_vllm_serves_counts(tmp_path):
    assert architecture_of(folder_of(tmp_path, architectures=["Own", "LlamaForCausalLM"])) == "LlamaForCausalLM"


@pytest.mark.heavy
@pytest.mark.engine
@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="torchvision is installed")
def test_a_package_that_vllms_code_needs_is_named(tmp_path):
    base = write_model(tmp_path / "base", BY_LABEL["qwen3_5_text"])
    with pytest.raises(
        UserError, match=r"'Qwen3_5ForCausalLM', for which vLLM needs the package torchvision.*install it, or"
    ):
        see(base, tmp_path, replace(SERVED_HERE, dtype="bfloat16"))


@pytest.mark.parametrize("causal", [True, False])
def test_a_model_in_which_a_token_sees_those_behind_it_is_refused(tmp_path, causal):
    base = write_model(tmp_path / "base", Architecture("bert", {"is_decoder": causal}))
    if causal:
        assert probe(base, packing=False)
        return
    with pytest.raises(UserError, match=r"a token sees those behind it.*set is_decoder to true"):
        probe(base, packing=False)

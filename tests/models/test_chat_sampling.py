"""The prompt that a real engine samples from is, id for id, the one that is trained on and that transformers makes."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tasks.domain.chat_template import ChatTemplate
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Example, Policy, Problem, Sampling, to_table
from tasks.domain.settings import ChatSettings, EngineSettings
from tasks.engines.chat import chat_of
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost
from tasks.engines.training.sft_rows import Joining, tokenize
from tests.models.architectures import BY_LABEL, write_model
from tests.models.chats import CHATS

ASKED = Problem("p", "own", "train", "math", "What is 1+1?", gold="2")
SAMPLING = Sampling(temperature=1.0, top_k=0, max_tokens=8)


def base_of(folder: Path, name: str) -> tuple[Path, ChatTemplate, list[int]]:
    """A tiny model of the family, its template, and the ids of the prompt by transformers' own interface."""
    base = write_model(folder / "base", BY_LABEL["llama"], tokenizer=CHATS[name].kind)
    template = ChatTemplate(chat_of(base, ChatSettings()))
    tokenizer = AutoTokenizer.from_pretrained(base)
    messages = template.messages(ASKED, 0)
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    row = Example("p", 0, template.render(ASKED, 0), "It is 2.", 1.0, 1.0)
    [trained] = tokenize(to_table([row], Example), tokenizer, Joining(template.complete, template.end)).rows
    assert list(trained.input_ids[: trained.prompt_length]) == ids
    return base, template, ids


def host(kind: str, folder: Path) -> EngineHost:
    settings = EngineSettings(kind=kind, kv_cache_gib=0.1, max_in_flight=8)
    return EngineHost(settings, lambda policy: Path(policy.uri), folder / "logs")


@pytest.mark.parametrize("name", CHATS)
def test_transformers_samples_from_the_prompt_that_is_trained_on(tmp_path: Path, name: str) -> None:
    from tasks.engines.sampling.hf_sampler import encoded_prompts

    base, template, ids = base_of(tmp_path, name)
    tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    rows = [{"prompt": template.render(ASKED, 0)}, {"prompt": template.render(ASKED, 2)}]
    encoded = encoded_prompts(tokenizer, rows, complete=True)
    first = encoded["input_ids"][0][encoded["attention_mask"][0].bool()]
    assert first.tolist() == ids


def test_a_run_of_transformers_counts_those_tokens(tmp_path: Path) -> None:
    base, template, ids = base_of(tmp_path, "Llama 3")
    engine = host("hf", tmp_path)
    try:
        with engine.serving(Policy(digest_of_text(str(base)), str(base))) as session:
            request = DrawRequest("p", template.render(ASKED, 0), (0, 1), complete=True)
            [(_, drawn)] = session.sample([request], Sampling(max_tokens=8, stop=template.stop))
    finally:
        engine.close()
    assert [one.prompt_tokens for one in drawn] == [len(ids)] * 2
    assert [len(one.token_ids or ()) for one in drawn] == [one.completion_tokens for one in drawn]


@pytest.mark.heavy
@pytest.mark.engine
def test_vllm_samples_from_the_prompt_that_is_trained_on(tmp_path: Path) -> None:
    base, template, ids = base_of(tmp_path, "Llama 3")
    engine = host("vllm", tmp_path)
    prompt = template.render(ASKED, 0)
    try:
        with engine.serving(Policy(digest_of_text(str(base)), str(base))) as session:
            [(_, drawn)] = session.sample([DrawRequest("p", prompt, (0, 1), complete=True)], SAMPLING)
            client = engine.engine._require_client()  # type: ignore[union-attr]
            body = {"model": client._endpoints.model, "prompt": prompt, "max_tokens": 1, "return_token_ids": True}
            told = client.call("POST", "/completions", {**body, "add_special_tokens": False})["choices"][0]
    finally:
        engine.close()
    assert told["prompt_token_ids"] == ids
    assert [one.prompt_tokens for one in drawn] == [len(ids)] * 2
    assert [len(one.token_ids or ()) for one in drawn] == [one.completion_tokens for one in drawn]

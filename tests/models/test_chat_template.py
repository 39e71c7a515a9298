"""A model's own chat template: the text and the ids are those of transformers' `apply_chat_template`, in sampling and in training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from tasks.domain.chat_template import ChatTemplate, lead_of, template_of, without_reasoning
from tasks.domain.errors import UserError
from tasks.domain.schema import Example, Problem, to_table
from tasks.domain.settings import ChatSettings, ModelSettings
from tasks.engines.chat import chat_of
from tasks.engines.training.sft_rows import Joining, tokenize
from tests.models.chats import CHATML_TEXT, CHATS, write_chat

ASKED = Problem("p", "own", "train", "math", "What is 1+1?", gold="2")
TALK = {"turns": [
    {"role": "user", "content": "What is 1+1?"}, {"role": "assistant", "content": "It is 2."}, {"role": "user", "content": "And 2+2?"},
]}  # fmt: skip
FAMILIES = pytest.mark.parametrize("name", CHATS)


def chat(folder: Path, name: str, **settings: Any) -> tuple[ChatTemplate, Any]:
    """A family's template as a run uses it, and its tokenizer as transformers loads it."""
    write_chat(folder, name)
    return ChatTemplate(chat_of(folder, ChatSettings(**settings))), AutoTokenizer.from_pretrained(folder)


@FAMILIES
@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("conversation", [{}, TALK], ids=["question", "conversation"])
def test_prompts_are_those_of_transformers(tmp_path: Path, name: str, shots: int, conversation: dict[str, Any]) -> None:
    template, tokenizer = chat(tmp_path, name, system="Box it." if CHATS[name].system else "")
    problem = Problem("p", "own", "train", "math", "What is 1+1?", gold="2", chat=conversation)
    messages = template.messages(problem, shots)
    text = template.render(problem, shots)
    assert text == tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    theirs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert tokenizer(text, add_special_tokens=False)["input_ids"] == theirs
    asked = [one["content"] for one in messages]
    assert asked[-1] == ("And 2+2?" if conversation else "What is 1+1?") and all(one in text for one in asked)


@FAMILIES
def test_training_sees_the_same_prompt_and_ends_the_turn_with_its_own_token(tmp_path: Path, name: str) -> None:
    template, tokenizer = chat(tmp_path, name)
    prompt = template.render(ASKED, 0)
    completion = template.worked(ASKED, "It is 2.")
    joining = Joining(template.complete, template.end)
    [row] = tokenize(to_table([Example("p", 0, prompt, completion, 1.0, 1.0)], Example), tokenizer, joining).rows
    sampled_from = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert list(row.input_ids[: row.prompt_length]) == sampled_from
    assert row.input_ids[-1] == tokenizer.convert_tokens_to_ids(CHATS[name].end)
    whole = [*template.messages(ASKED, 0), {"role": "assistant", "content": "It is 2."}]
    theirs = tokenizer.apply_chat_template(whole, return_dict=True)["input_ids"]
    if name != "thinking":  # which writes an empty reasoning into a turn that it did not open
        assert theirs[: len(row.input_ids)] == list(row.input_ids)


@FAMILIES
def test_the_end_of_the_turn_is_found_in_the_template(tmp_path: Path, name: str) -> None:
    template, _ = chat(tmp_path, name)
    assert template.end == CHATS[name].end
    assert template.cut(f"It is 2.{template.end}\nmore") == "It is 2."


def test_thinking_is_turned_on_and_off(tmp_path: Path) -> None:
    texts = {}
    for thinking in ("default", "on", "off"):
        template, tokenizer = chat(tmp_path / thinking, "thinking", thinking=thinking)
        texts[thinking] = template.render(ASKED, 0)
        more = {} if thinking == "default" else {"enable_thinking": thinking == "on"}
        messages = template.messages(ASKED, 0)
        assert texts[thinking] == tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False, **more
        )
    assert texts["on"] == texts["default"] and texts["off"] == texts["on"] + "<think>\n\n</think>\n\n"


@pytest.mark.parametrize(
    "text, kept",
    [
        ("<think>\n1+1\n</think>\n\nIt is 2.", "It is 2."),
        ("1+1\n</think>\n\nIt is 2.", "</think>\n\nIt is 2."),  # the prompt opened the mark
        ("It is 2.", "It is 2."),
        ("<think>a</think><think>b</think> It is 2.", "It is 2."),
        ("<think>never closed", "<think>never closed"),
    ],
)
def test_reasoning_is_dropped_from_the_target_only(tmp_path: Path, text: str, kept: str) -> None:
    assert without_reasoning(text) == kept
    keeping, _ = chat(tmp_path / "keep", "thinking")
    dropping, _ = chat(tmp_path / "drop", "thinking", reasoning="drop")
    assert (keeping.target(text), dropping.target(text)) == (text, kept)
    assert keeping.digest == dropping.digest, "the same samples serve both"


def test_the_digest_covers_what_decides_a_prompt(tmp_path: Path) -> None:
    plain, _ = chat(tmp_path / "a", "ChatML")
    others = [
        chat(tmp_path / "b", "ChatML", system="Box it.")[0],
        chat(tmp_path / "c", "ChatML", thinking="off")[0],
        chat(tmp_path / "d", "ChatML", examples="math")[0],
        chat(tmp_path / "e", "default system text")[0],
        chat(tmp_path / "f", "ChatML", template=CHATML_TEXT + " ")[0],
    ]
    assert len({plain.digest, *(one.digest for one in others)}) == 6
    assert plain.digest == chat(tmp_path / "g", "ChatML")[0].digest


def test_a_template_that_takes_no_system_text_says_so(tmp_path: Path) -> None:
    template, _ = chat(tmp_path, "Gemma", system="Box it.")
    with pytest.raises(
        UserError, match=r"refuses the turns system, user: System role not supported; leave model\.chat\.system"
    ):
        template.render(ASKED, 0)


@pytest.mark.parametrize(
    "text, system, found",
    [
        (CHATML_TEXT.replace("in messages %}", "in messages if m['role'] != 'system' %}"), "Box it.", "leaves out the system's text 'Box it.'"),
        (CHATML_TEXT.replace("m['content']", "m['content'][0]['text'] if m['role'] == 'user' else m['content']"), "", "refuses the turns user|leaves out the user's"),
        (CHATML_TEXT.replace("{% for", "{{ strftime_now('%d') }}{% for"), "", "'strftime_now' is undefined"),
        (CHATML_TEXT.replace("{% for", "{{ tools | length }}{% for"), "", "object of type 'NoneType' has no len"),
    ],
    ids=["no system", "parts", "date", "tools"],
)  # fmt: skip
def test_a_template_that_drops_a_text_or_fails_on_it_says_so(
    tmp_path: Path, text: str, system: str, found: str
) -> None:
    with pytest.raises(UserError, match=found):
        chat(tmp_path, "ChatML", template=text, system=system)[0].render(ASKED, 0)


@pytest.mark.parametrize(
    "filters",
    ["| replace('\\n', ' ')", "| wordwrap(14)", "| tojson", "| escape"],
    ids=["one line", "wrapped", "JSON", "HTML"],
)
def test_a_template_may_write_other_whitespace_and_escape_what_it_writes(tmp_path: Path, filters: str) -> None:
    text = CHATML_TEXT.replace("m['content']", f"m['content'] {filters}")
    assert text != CHATML_TEXT
    asked = replace(ASKED, question='Is  1 < 2, as they say,\nor is it "é"?')
    assert "é" in chat(tmp_path, "ChatML", template=text)[0].render(asked, 0)
    cut = text.replace(filters, f"| truncate(15, true) {filters}")
    with pytest.raises(UserError, match=r"leaves out the user's text .* as it is"):
        chat(tmp_path, "ChatML", template=cut)[0].render(asked, 0)


def test_a_template_may_trim_what_it_writes(tmp_path: Path) -> None:
    template, _ = chat(tmp_path, "Llama 3", system=" Box it. ")
    assert "Box it.<|eot_id|>" in template.render(ASKED, 0)


def test_a_solution_by_people_follows_as_the_template_joins_it(tmp_path: Path) -> None:
    mistral, _ = chat(tmp_path / "m", "Mistral")
    chatml, _ = chat(tmp_path / "c", "ChatML")
    assert (lead_of(mistral.settings), lead_of(chatml.settings)) == (" ", "")


def test_a_model_without_a_template_is_refused(tmp_path: Path) -> None:
    write_chat(tmp_path, "ChatML")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    with pytest.raises(UserError, match="has no chat template"):
        chat_of(tmp_path, ChatSettings())
    with pytest.raises(UserError, match="the base is not on this machine yet"):
        template_of(ModelSettings(prompt="tokenizer"))


@pytest.mark.parametrize(
    "text, sentence", [("{% if %}", "is not Jinja"), ("none", "does not write the assistant's turn")]
)
def test_a_template_that_cannot_serve_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    write_chat(tmp_path, "ChatML")
    with pytest.raises(UserError, match=sentence):
        chat_of(tmp_path, ChatSettings(template=text))

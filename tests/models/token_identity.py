"""Draws of each tokenizer family, ended and cut as the samplers end and cut them, against the tokens that are trained on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from tasks.domain.prompts import template_named
from tasks.domain.schema import Example, to_table
from tasks.engines.sampling import hf_sampler
from tasks.engines.training.sft_rows import CUT, kept_ids, tokenize
from tests.models.chats import CHATS
from tests.models.real_tokenizers import REAL
from tests.models.tokenizers import KINDS, Kind, write_tokenizer

ROWS, LENGTH = 1000, 24
PROMPT = "Question: Tom has 3 apples. How many?\nAnswer:"
FAMILIES: dict[str, Kind] = {
    **{name: kind for name, kind in KINDS.items() if kind.works},
    **{f"chat: {name}": chat.kind for name, chat in CHATS.items()},
    **REAL,
}
STOP = ("Question:",)
WITHIN = ("a", "e")  # stop strings that begin within a piece of the vocabulary as often as not


@dataclass(frozen=True)
class Counted:
    """Of `rows` draws: those with whole tokens that are trained on other tokens than were drawn, those whose text was encoded because a
    cut splits a token, and those that tokenising their text anew would have changed. `reasons` are all reasons for an encoded text.
    """

    rows: int
    mismatches: int
    cut: int
    retokenised: int
    held_back: int
    reasons: tuple[str, ...]


def tokenizer_of(family: str, folder: Path) -> Any:
    write_tokenizer(folder, FAMILIES[family])
    hf_sampler._special.cache_clear()
    return AutoTokenizer.from_pretrained(folder)


def counted(tokenizer: Any, stop: tuple[str, ...] = STOP) -> Counted:
    """Draw, cut at `stop`, train on: what came of it."""
    rows = [row for row in sampled(tokenizer, stop) if row.completion]
    made = tokenize(to_table(rows, Example), tokenizer)
    mismatches, otherwise = 0, 0
    for row, trained in zip(rows, made.rows, strict=True):
        target = trained.input_ids[trained.prompt_length : -1]
        assert row.token_ids is not None and trained.input_ids[-1] == tokenizer.eos_token_id
        whole = (
            kept_ids(row.token_ids, row.completion, list(trained.input_ids[: trained.prompt_length]), tokenizer)
            is not None
        )
        mismatches += whole and tuple(target) != row.token_ids[: len(target)]
        otherwise += tuple(tokenizer(row.completion, add_special_tokens=False)["input_ids"]) != target
    return Counted(len(rows), mismatches, made.encoded.get(CUT, 0), otherwise, len(made.held_back), tuple(made.encoded))


def draws(tokenizer: Any, seed: int = 0) -> Iterator[list[int]]:
    """What a weak model draws: pieces of any size in any order, seldom as the tokenizer itself would split their text."""
    rng = random.Random(seed)
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    pieces = {number: tokenizer.decode([number]) for number in range(len(tokenizer)) if number not in special}
    plain = [number for number, text in pieces.items() if text and text.isascii() and text.isprintable()]
    plain += tokenizer("\n", add_special_tokens=False)["input_ids"][-1:]
    for _ in range(ROWS):
        yield [*rng.choices(plain, k=rng.randint(1, LENGTH)), tokenizer.eos_token_id]


def one_way(tokenizer: Any) -> bool:
    """Whether a text has only one tokenisation: no piece is longer than a character."""
    return all(
        len(tokenizer.decode([number])) <= 1
        for number in range(len(tokenizer))
        if number not in tokenizer.added_tokens_decoder
    )


def sampled(tokenizer: Any, stop: tuple[str, ...] = STOP) -> list[Example]:
    """The draws as samples, with the text that the transformers sampler returns and the kept text of a template."""
    template, loaded = template_named("gsm8k"), hf_sampler._Loaded(None, tokenizer, (tokenizer.eos_token_id,))
    rows = []
    for number, ids in enumerate(draws(tokenizer)):
        told = hf_sampler._completion(ids, 1, loaded, {"stop": list(stop)})
        text = template.target(told["text"])
        rows.append(Example(f"p{number}", number, PROMPT, text, 1.0, 1.0, tuple(told["token_ids"])))
    return rows

"""Trained tokens are the sampled ones: 1,000 draws of each tokenizer family, ended and cut as the samplers end and cut them."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from transformers import AutoTokenizer

from tasks.domain.prompts import template_named
from tasks.domain.schema import Example, Sample, from_table, to_table
from tasks.engines.sampling import hf_sampler
from tasks.engines.training.sft_rows import CUT, NO_IDS, Joining, kept_ids, tokenize
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


@pytest.fixture
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    write_tokenizer(tmp_path, FAMILIES[request.param])
    hf_sampler._special.cache_clear()
    return AutoTokenizer.from_pretrained(tmp_path)


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


def sampled(tokenizer: Any) -> list[Example]:
    """The draws as samples, with the text that the transformers sampler returns and the kept text of a template."""
    template, loaded = template_named("gsm8k"), hf_sampler._Loaded(None, tokenizer, (tokenizer.eos_token_id,))
    rows = []
    for number, ids in enumerate(draws(tokenizer)):
        told = hf_sampler._completion(ids, 1, loaded, {"stop": list(STOP)})
        text = template.target(told["text"])
        rows.append(Example(f"p{number}", number, PROMPT, text, 1.0, 1.0, tuple(told["token_ids"])))
    return rows


@pytest.mark.parametrize("tokenizer", FAMILIES, indirect=True)
def test_what_is_trained_on_is_what_was_drawn(tokenizer: Any) -> None:
    rows = [row for row in sampled(tokenizer) if row.completion]
    made = tokenize(to_table(rows, Example), tokenizer)
    assert not made.held_back
    mismatches, otherwise = 0, 0
    for row, trained in zip(rows, made.rows, strict=True):
        target = trained.input_ids[trained.prompt_length : -1]
        assert row.token_ids is not None and trained.input_ids[-1] == tokenizer.eos_token_id
        mismatches += target != row.token_ids[: len(target)]
        otherwise += tuple(tokenizer(row.completion, add_special_tokens=False)["input_ids"]) != target
    cut = made.encoded.get(CUT, 0)
    assert mismatches <= cut <= 0.05 * len(rows), "each exception is counted, and none is hidden"
    assert set(made.encoded) <= {CUT}
    assert otherwise > 0 or one_way(tokenizer), "the draws would show a retokenisation"


@pytest.mark.parametrize("tokenizer", ["byte-level", "SentencePiece"], indirect=True)
def test_the_longest_prefix_that_decodes_to_the_kept_text_is_taken(tokenizer: Any) -> None:
    ids = tokenizer("3 + 4 = 7\n\n", add_special_tokens=False)["input_ids"]
    prompt = tokenizer(PROMPT)["input_ids"]
    kept = kept_ids([*ids, tokenizer.eos_token_id], "3 + 4 = 7", prompt, tokenizer)
    assert kept is not None and ids[: len(kept)] == kept
    assert tokenizer.decode(kept) == "3 + 4 = 7"
    assert kept_ids(ids, "3 + 4 = 8", prompt, tokenizer) is None


@pytest.mark.parametrize("tokenizer", ["byte-level"], indirect=True)
def test_a_cut_inside_of_a_token_and_rows_without_ids_are_encoded_counted_and_said(tokenizer: Any) -> None:
    word = max(
        (number for number in range(len(tokenizer)) if number not in tokenizer.all_special_ids),
        key=lambda number: len(tokenizer.decode([number]).strip()),
    )
    text = tokenizer.decode([word]).strip()
    ids = tokenizer(" 7", add_special_tokens=False)["input_ids"]
    rows = [
        Example("cut", 0, PROMPT, text[:-1], 1.0, 1.0, (word, tokenizer.eos_token_id)),
        Example("human", 1, PROMPT, " 7", 1.0, 1.0),
        Example("drawn", 2, PROMPT, " 7", 1.0, 1.0, (*ids, tokenizer.eos_token_id)),
    ]
    made = tokenize(to_table(rows, Example), tokenizer)
    assert made.encoded == {CUT: 1, NO_IDS: 1}
    assert made.notes == (f"of 3 rows 2 are trained on their encoded text: 1 {CUT}, 1 {NO_IDS}",)
    assert tokenize(to_table(rows[1:2], Example), tokenizer).notes == (), "old data sets have no ids, which is no news"


@pytest.mark.parametrize("tokenizer", ["chat: ChatML"], indirect=True)
def test_a_special_token_that_the_text_skips_is_not_trained_on(tokenizer: Any) -> None:
    drawn = tokenizer("7<|im_start|>8<|im_end|>", add_special_tokens=False)["input_ids"]
    made = tokenize(to_table([Example("p", 0, PROMPT, "78", 1.0, 1.0, tuple(drawn))], Example), tokenizer)
    assert made.encoded == {CUT: 1}
    assert tokenizer.convert_tokens_to_ids("<|im_start|>") not in made.rows[0].input_ids


@pytest.mark.parametrize("tokenizer", ["chat: Llama 3"], indirect=True)
def test_the_end_of_the_turn_follows_the_drawn_tokens(tokenizer: Any) -> None:
    drawn = [
        *tokenizer("It is 7.", add_special_tokens=False)["input_ids"],
        tokenizer.convert_tokens_to_ids("<|eot_id|>"),
    ]
    row = Example("p", 0, tokenizer.bos_token + PROMPT, "It is 7.", 1.0, 1.0, tuple(drawn))
    [made] = tokenize(to_table([row], Example), tokenizer, Joining(True, "<|eot_id|>")).rows
    assert list(made.input_ids[made.prompt_length :]) == drawn


def test_ids_travel_with_samples_and_old_tables_have_none() -> None:
    with_ids = Sample("p", "", 0, "7", "stop", None, 3, 2, "a", "b", "c", (5, 1))
    without = Sample("p", "", 1, "7", "stop", None, 3, 2, "a", "b", "c")
    table = to_table([with_ids, without], Sample)
    assert table.schema.field("token_ids").type == pa.list_(pa.int32())
    assert from_table(table, Sample) == [with_ids, without]
    assert from_table(table.drop_columns(["token_ids"]), Sample)[1] == without

"""Trained tokens are the sampled ones: 1,000 draws of each tokenizer family, ended and cut as the samplers end and cut them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.domain.schema import Example, Sample, from_table, to_table
from tasks.engines.training.sft_rows import CUT, NO_IDS, Joining, kept_ids, tokenize
from tests.models.token_identity import FAMILIES, PROMPT, counted, one_way, tokenizer_of


@pytest.fixture
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return tokenizer_of(request.param, tmp_path)


@pytest.mark.parametrize("tokenizer", FAMILIES, indirect=True)
def test_what_is_trained_on_is_what_was_drawn(tokenizer: Any) -> None:
    found = counted(tokenizer)
    assert not found.held_back
    assert found.mismatches == 0 and found.cut <= 0.05 * found.rows, "each exception is counted, and none is hidden"
    assert set(found.reasons) <= {CUT}
    assert found.retokenised > 0 or one_way(tokenizer), "the draws would show a retokenisation"


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

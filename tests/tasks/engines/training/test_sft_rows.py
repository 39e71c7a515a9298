import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, decoders, models, processors

from tasks.domain.errors import UserError
from tasks.domain.schema import Example, schema_of, to_table
from tasks.engines.training.sft_rows import equally_weighted, read_examples, tokenize, training_rows
from tests.tiny_llama import write_tiny_llama

EOS = 2


def load(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load(write_tiny_llama(tmp_path_factory.mktemp("rows") / "base"))


def table(*rows: tuple[str, str], weights=None):
    weights = weights or [1.0] * len(rows)
    return to_table(
        [Example(f"p{at}", at, p, c, w, 1.0) for at, ((p, c), w) in enumerate(zip(rows, weights, strict=True))], Example
    )


@pytest.mark.parametrize("bos", [True, False])
def test_prompt_tokens_are_what_the_server_sees_and_the_target_ends_with_one_eos(tmp_path, bos):
    tokenizer = load(write_tiny_llama(tmp_path / "base", bos=bos))
    rows = tokenize(table(("1+1=?\n", "1+1=2\n#2"), ("2=?\n", "#2"), ("3=?\n", "#3</s>")), tokenizer).rows
    for row, prompt, text in zip(rows, ("1+1=?\n", "2=?\n", "3=?\n"), ("1+1=2\n#2", "#2", "#3"), strict=True):
        assert list(row.input_ids[: row.prompt_length]) == tokenizer(prompt)["input_ids"]
        target = list(row.input_ids[row.prompt_length :])
        assert target.count(EOS) == 1
        assert target[-1] == EOS
        assert tokenizer.decode(target[:-1]) == text
        assert row.labels == [-100] * row.prompt_length + target
        assert row.input_ids.count(1) == (1 if bos else 0)


def merging_tokenizer(folder: Path):
    """Byte pairs with one merge, `=2`: it crosses the boundary of prompt `1=` and completion `2`."""
    vocabulary = {"<s>": 0, "</s>": 1, "1": 2, "2": 3, "=": 4, "=2": 5}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("=", "2")]))
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    return load(folder)


def test_a_merge_across_the_boundary_does_not_change_the_prompt(tmp_path):
    tokenizer = merging_tokenizer(tmp_path / "merging")
    assert tokenizer("1=2")["input_ids"] == [0, 2, 5]
    (row,) = tokenize(table(("1=", "2")), tokenizer).rows
    assert row.input_ids == (0, 2, 4, 3, 1)
    assert row.prompt_length == 3


@pytest.mark.parametrize(
    "row, found",
    [
        (("<s>1=?\n", "#1"), "adds it once more"),
        (("<|user|>1=?\n", "#1"), "chat token <|user|>"),
    ],
)
def test_a_row_that_teaches_the_wrong_thing_is_refused(tokenizer, row, found):
    with pytest.raises(UserError, match=found.replace("|", "\\|")):
        tokenize(table(row), tokenizer)


@pytest.mark.parametrize(
    "completion, reason",
    [("#1</s>#2", "the completion has '</s>' inside"), ("#1 €", "characters the tokenizer does not know")],
)
def test_a_row_that_cannot_be_a_target_is_held_back_and_above_the_share_the_run_refuses(tokenizer, completion, reason):
    rows = table(("1=?\n", completion), *((f"{at}=?\n", f"#{at}") for at in range(9)))
    made = training_rows(rows, tokenizer, 50, 0.1)
    assert len(made.rows) == 9
    [held] = made.held_back
    assert held.row == "p0/0" and reason in held.reason
    with pytest.raises(UserError, match=r"row p0/0: the completion has .*1 of 10 rows"):
        training_rows(rows, tokenizer, 50, 0.09)
    with pytest.raises(UserError, match="1 of 1 rows"):
        training_rows(rows.slice(0, 1), tokenizer, 50, 1.0)


def test_a_row_that_is_too_long_is_named_although_others_are_held_back(tokenizer):
    rows = table(("1=?\n", "#1 €"), ("1=?\n", "#" * 30))
    with pytest.raises(UserError, match="row p1/1 has 36 tokens"):
        training_rows(rows, tokenizer, 20, 0.5)


def test_a_marker_in_some_prompts_is_only_text(tokenizer):
    assert len(tokenize(table(("<|user|>1=?\n", "#1"), ("1=?\n", "#1")), tokenizer).rows) == 2


def test_a_tokenizer_without_eos_is_refused(tmp_path):
    with pytest.raises(UserError, match="no EOS token"):
        tokenize(table(("1=?\n", "#1")), load(write_tiny_llama(tmp_path / "base", eos=False)))


def test_the_longest_row_is_named_with_its_tokens(tokenizer):
    rows = table(("1=?\n", "#1"), ("1=?\n", "#" * 30), ("1=?\n", "#" * 40))
    with pytest.raises(UserError, match=r"row p2/2 has 46 tokens, more than max_length = 20 \(2 rows"):
        training_rows(rows, tokenizer, 20)
    assert len(training_rows(rows, tokenizer, 46).rows) == 3


def test_weights_are_relative_to_their_mean_over_target_tokens(tokenizer):
    rows = training_rows(
        table(("1=?\n", "#1"), ("1=?\n", "#12345"), ("1=?\n", "#1"), weights=[2.0, 1.0, 0.0]), tokenizer, 50
    ).rows
    assert [row.target_length for row in rows] == [3, 7]
    assert rows[0].weight == pytest.approx(2 * rows[1].weight)
    assert sum(row.weight * row.target_length for row in rows) == pytest.approx(10)


def test_equal_weights_are_all_one(tokenizer):
    rows = training_rows(
        table(("1=?\n", "#1"), ("1=?\n", "#12"), ("1=?\n", "#1"), weights=[0.3, 0.3, 0.0]), tokenizer, 50
    ).rows
    assert len(rows) == 2
    assert equally_weighted(rows)


@pytest.mark.parametrize("weights", [[1.0, -1.0], [1.0, float("nan")], [0.0, 0.0]])
def test_weights_that_mean_nothing_are_refused(tokenizer, weights):
    with pytest.raises(UserError, match="weight"):
        training_rows(table(("1=?\n", "#1"), ("1=?\n", "#1"), weights=weights), tokenizer, 50)


def test_how_rows_lie_in_files_does_not_matter(tmp_path):
    rows = table(("0=?\n", "#0"), ("1=?\n", "#1"), ("2=?\n", "#2"))
    pq.write_table(rows, tmp_path / "all.parquet")
    for at, part in enumerate(([2], [1, 0])):
        pq.write_table(rows.take(part), tmp_path / f"{at}.parquet")
    read = read_examples([tmp_path / "0.parquet", tmp_path / "1.parquet"], 3)
    assert read.equals(read_examples([tmp_path / "all.parquet"], 3))
    assert read.schema == schema_of(Example)


@pytest.mark.parametrize(
    "data, rows, found",
    [
        (schema_of(Example).empty_table(), 0, "no rows"),
        (table(("1=?\n", "#1")).drop_columns(["weight"]), 1, r"lacks the column\(s\) weight"),
        (table(("1=?\n", "#1")), 2, "1 rows but 2"),
        (
            pa.table({**table(("a", "b")).to_pydict(), "completion": [None]}, schema=schema_of(Example)),
            1,
            "'completion'.* empty",
        ),
    ],
)
def test_a_data_set_that_cannot_be_trained_on_is_refused(tmp_path, data, rows, found):
    pq.write_table(data, tmp_path / "part.parquet")
    with pytest.raises(UserError, match=found):
        read_examples([tmp_path / "part.parquet"], rows)

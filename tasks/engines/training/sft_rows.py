"""Turns data set rows into token rows, and checks them, in the fine-tuning child before any training.

The tokens of a row are `tokenizer(prompt)`, exactly as an OpenAI-compatible server tokenises the same prompt when it
samples, then the tokens that the policy drew (where they are known and still give the kept text; else the text's own), then one EOS. Training on prompt and completion as one string would let a
tokenizer merge across the boundary and train on a prompt the model never sees.

No heavy import: the tokenizer is an argument (any `transformers` tokenizer).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of
from tasks.domain.schema import LATER, Example, schema_of


@dataclass(frozen=True)
class Joining:
    """How prompt and completion are joined. A `complete` prompt holds its special tokens already, as a chat template writes them.

    `end` is the text of the token behind a target; empty: EOS.
    """

    complete: bool = False
    end: str = ""


AS_TEXT = Joining()  # the tokenizer's own BOS and EOS around prompt and completion


SCHEMA = schema_of(Example)
REQUIRED = tuple(name for name in SCHEMA.names if name not in LATER[Example])
NO_IDS, CUT = "without the tokens that were drawn", "whose kept text ends inside of a token, or skips a special one"
CONTEXT = 4  # tokens of the prompt behind which a completion is decoded
BROKEN = 4  # tokens that one character of several bytes may be made of
CHAT_MARKER = re.compile(r"<\|[A-Za-z_]+\|>")


@dataclass(frozen=True)
class TokenRow:
    """One training row. `input_ids` is prompt + target; the target (completion and EOS) starts at `prompt_length`."""

    input_ids: tuple[int, ...]
    prompt_length: int
    weight: float

    @property
    def target_length(self) -> int:
        return len(self.input_ids) - self.prompt_length

    @property
    def labels(self) -> list[int]:
        """Return -100 (ignored by the loss) on the prompt, and the token itself on the target."""
        return [-100] * self.prompt_length + list(self.input_ids[self.prompt_length :])


@dataclass(frozen=True)
class HeldBack:
    """This record is a row that cannot be trained on, and why."""

    row: str
    reason: str


@dataclass(frozen=True)
class TokenRows:
    """These are the rows to train on and the rows held back, both in the table's order.

    `encoded` counts rows whose text was encoded instead of taking the tokens that were drawn, by the reason.
    """

    rows: list[TokenRow]
    held_back: tuple[HeldBack, ...] = ()
    encoded: Mapping[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say how many rows are not trained on the tokens that were drawn; nothing where all are, or where no row has them."""
        total = len(self.rows)
        if not self.encoded or self.encoded.get(NO_IDS, 0) == total:
            return ()
        told = ", ".join(f"{count} {reason}" for reason, count in self.encoded.items())
        return (f"of {total} rows {sum(self.encoded.values())} are trained on their encoded text: {told}",)


def read_examples(files: Sequence[Path], expected_rows: int) -> pa.Table:
    """Read the data set as one table with `SCHEMA`; UserError for a missing column, a null, or a wrong row count.

    Rows are sorted, so the same rows train the same model however they are split into files.
    """
    table = pa.concat_tables([_read_part(file) for file in files])
    table = table.sort_by([(name, "ascending") for name in REQUIRED])
    if table.num_rows == 0:
        raise UserError(
            "the data set has no rows, so there is nothing to train on; look at how many samples were accepted"
        )
    if table.num_rows != expected_rows:
        raise UserError(
            f"the data set has {table.num_rows} rows but {expected_rows} were announced; materialize it again"
        )
    for name in REQUIRED:
        if table[name].null_count:
            raise UserError(
                f"column {name!r} of the data set has {table[name].null_count} empty values; fill or drop them"
            )
    return table


def _read_part(file: Path) -> pa.Table:
    names = pq.read_schema(file).names
    if missing := [name for name in REQUIRED if name not in names]:
        raise UserError(f"{file.name} lacks the column(s) {', '.join(missing)}; expected {', '.join(REQUIRED)}")
    table = pq.read_table(file, columns=[name for name in SCHEMA.names if name in names])
    for name in SCHEMA.names[len(table.column_names) :]:
        table = table.append_column(name, pa.nulls(table.num_rows, SCHEMA.field(name).type))
    return table.select(SCHEMA.names).cast(SCHEMA)


def training_rows(
    table: pa.Table, tokenizer: Any, max_length: int, max_held_back_share: float = 0.0, joining: Joining = AS_TEXT
) -> TokenRows:
    """Return the rows to train on: tokenised and checked, without rows of weight 0, weights scaled by `relative_weights`.

    Rows whose text cannot be a target are held back up to the given share; UserError above it.
    """
    _check_weights(table)
    table = table.filter(pc.greater(table["weight"], 0.0))
    made = tokenize(table, tokenizer, joining)
    _check_held_back(made, table.num_rows, max_held_back_share)
    out = {one.row for one in made.held_back}
    names = [name for name in _names(table) if name not in out]
    _check_lengths(made.rows, names, max_length)
    return TokenRows(relative_weights(made.rows), made.held_back, made.encoded)


def _check_held_back(made: TokenRows, total: int, share: float) -> None:
    if len(made.held_back) <= share * total and made.rows:
        return
    first = made.held_back[0]
    raise UserError(
        f"row {first.row}: {first.reason}; {len(made.held_back)} of {total} rows cannot be trained on, more than "
        f"finetune.max_held_back_share = {share:g} allows"
    )


def relative_weights(rows: Sequence[TokenRow]) -> list[TokenRow]:
    """Divide the weights by their mean over target tokens.

    The loss of a batch is sum(weight * nll) / number of target tokens; scaled once for the whole data set, equal weights
    give the plain loss. (Dividing by the weights of each batch instead would cancel them where a batch's are alike.)
    """
    mean = sum(row.weight * row.target_length for row in rows) / sum(row.target_length for row in rows)
    if len({row.weight for row in rows}) == 1:
        return [TokenRow(row.input_ids, row.prompt_length, 1.0) for row in rows]
    return [TokenRow(row.input_ids, row.prompt_length, row.weight / mean) for row in rows]


def equally_weighted(rows: Iterable[TokenRow]) -> bool:
    return all(row.weight == 1.0 for row in rows)


def digest_of_token_rows(rows: Iterable[TokenRow]) -> str:
    return digest_of([[list(row.input_ids), row.prompt_length, row.weight] for row in rows])


def tokenize(table: pa.Table, tokenizer: Any, joining: Joining = AS_TEXT) -> TokenRows:
    """Return token rows in the table's order; a row is held back when its target cannot be what the model should write."""
    _check_tokenizer(tokenizer)
    prompts, completions, weights, drawn_ids = _columns(table, "prompt", "completion", "weight", "token_ids")
    _check_chat_markers(prompts, tokenizer)
    add = not joining.complete
    prompt_ids = tokenizer(prompts, add_special_tokens=add)["input_ids"]
    joint_ids = tokenizer([a + b for a, b in zip(prompts, completions, strict=True)], add_special_tokens=add)[
        "input_ids"
    ]
    rows, held_back, end = [], [], _end_id(tokenizer, joining)
    encoded: Counter[str] = Counter()
    parts = zip(_names(table), prompt_ids, joint_ids, completions, weights, drawn_ids, strict=True)
    for name, prompt, joint, completion, weight, drawn in parts:
        _check_bos(name, prompt, tokenizer)
        kept = kept_ids(drawn, completion, prompt, tokenizer) if drawn else None
        target = [*kept, end] if kept else _target(prompt, joint, completion, tokenizer, end)
        if not kept:
            encoded[CUT if drawn else NO_IDS] += 1
        if reason := _fault(target, tokenizer, end):
            held_back.append(HeldBack(name, reason))
        else:
            rows.append(TokenRow((*prompt, *target), len(prompt), weight))
    return TokenRows(rows, tuple(held_back), dict(encoded))


def kept_ids(drawn: Sequence[int], text: str, prompt: Sequence[int], tokenizer: Any) -> list[int] | None:
    """Return the longest prefix of the drawn ids that decodes to the text; None where a cut splits a token.

    A decoder may treat the beginning of a text apart (SentencePiece takes a space away), and engines decode a completion by
    itself or behind its prompt: both readings are tried.
    """
    tail = list(prompt[-CONTEXT:])
    before = len(tokenizer.decode(tail, skip_special_tokens=False)) if tail else 0

    def alone(count: int) -> str:
        return str(tokenizer.decode(list(drawn[:count]), skip_special_tokens=False))

    def behind(count: int) -> str:
        return str(tokenizer.decode([*tail, *drawn[:count]], skip_special_tokens=False))[before:]

    for reading in (alone, behind):
        count = _longest(reading, text, len(drawn))
        if count:
            return list(drawn[:count])
    return None


def _longest(reading: Callable[[int], str], text: str, most: int) -> int:
    """Return the largest count whose reading is the text, 0 for none. Readings grow with the count, but for broken characters."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if len(reading(middle)) <= len(text):
            low = middle
        else:
            high = middle - 1
    near = range(min(most, low + BROKEN), max(0, low - BROKEN), -1)
    return next((count for count in near if reading(count) == text), 0)


def _names(table: pa.Table) -> list[str]:
    return [f"{problem}/{index}" for problem, index in zip(*_columns(table, "problem_id", "index"), strict=True)]


def _end_id(tokenizer: Any, joining: Joining) -> int:
    """Return the token behind every target: the end of a turn where it is one token, else EOS."""
    ids = tokenizer(joining.end, add_special_tokens=False)["input_ids"] if joining.end else []
    return int(ids[0] if len(ids) == 1 else tokenizer.eos_token_id)


def _target(prompt: list[int], joint: list[int], completion: str, tokenizer: Any, end: int) -> list[int]:
    """Return the completion's tokens and one end, or nothing where no tokens give its text after this prompt."""
    if joint[: len(prompt)] == prompt:
        target = joint[len(prompt) :]
    else:  # the tokenizer merges across the boundary; the prompt has to stay as it is sampled from
        found = _behind(prompt, joint, completion, tokenizer)
        if found is None:
            return []
        target = found
    return target if target and target[-1] == end else [*target, end]


def _fault(target: list[int], tokenizer: Any, end: int) -> str:
    """Return why this target cannot be trained on; empty where it can."""
    eos, unknown = tokenizer.eos_token_id, tokenizer.unk_token_id
    if not target:
        return (
            "the tokenizer cannot split its text between prompt and completion; end the prompt template where a word "
            "ends, without a trailing space"
        )
    if eos in target[:-1] or end in target[:-1]:
        also = " (which also stands for unknown characters)" if unknown == eos else ""
        return f"the completion has {tokenizer.eos_token!r} inside{also}; cut it there or drop the row"
    if unknown is not None and unknown != eos and unknown in target:
        return "the completion has characters the tokenizer does not know; drop the row"
    return ""


ANCHORS = ("\n", "=", ".", ":", "0", "a")  # text behind which a completion may be tokenised as it is behind a prompt


def _behind(prompt: list[int], joint: list[int], completion: str, tokenizer: Any) -> list[int] | None:
    """Return tokens of the completion that give the joint text after the prompt's own tokens.

    The completion is first tokenised alone. A tokenizer that puts a space before every text (SentencePiece) then adds one too
    many, so the completion is tokenised after an anchor, whose own tokens are removed.
    """
    wanted = tokenizer.decode(joint, skip_special_tokens=True)
    for anchor in ("", *ANCHORS):
        head = tokenizer(anchor, add_special_tokens=False)["input_ids"] if anchor else []
        whole = tokenizer(anchor + completion, add_special_tokens=False)["input_ids"]
        if whole[: len(head)] == head:
            target: list[int] = whole[len(head) :]
            if tokenizer.decode(prompt + target, skip_special_tokens=True) == wanted:
                return target
    return None


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    return [table[name].to_pylist() for name in names]


def _check_tokenizer(tokenizer: Any) -> None:
    if tokenizer.eos_token_id is None:
        raise UserError("the base model's tokenizer has no EOS token, so no row can teach where to stop; give it one")


def _check_chat_markers(prompts: Sequence[str], tokenizer: Any) -> None:
    """Refuse a base whose tokenizer lacks the chat markers of the template, because it was never taught them."""
    markers = set.intersection(*(set(CHAT_MARKER.findall(prompt)) for prompt in prompts))
    vocabulary = tokenizer.get_vocab() if markers else {}
    if unknown := sorted(marker for marker in markers if marker not in vocabulary):
        raise UserError(
            f"the prompts hold the chat token {unknown[0]}, which the base model's tokenizer does not have; "
            "choose another prompt template or a base with that chat format"
        )


def _check_bos(name: str, prompt: list[int], tokenizer: Any) -> None:
    bos = tokenizer.bos_token_id
    if bos is not None and prompt[:2] == [bos, bos]:
        raise UserError(
            f"row {name}: the prompt starts with {tokenizer.bos_token!r} and the tokenizer adds it once more; "
            "drop it from the prompt template"
        )


def _check_weights(table: pa.Table) -> None:
    weights = table["weight"].to_pylist()
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise UserError("the data set has weights that are negative or not finite; weights are numbers of 0 or more")
    if not any(weights):
        raise UserError("every row of the data set has weight 0, so there is nothing to train on")


def _check_lengths(rows: Sequence[TokenRow], names: Sequence[str], max_length: int) -> None:
    too_long = [at for at, row in enumerate(rows) if len(row.input_ids) > max_length]
    if not too_long:
        return
    worst = max(too_long, key=lambda at: len(rows[at].input_ids))
    others = f" ({len(too_long)} rows are too long, this is the longest)" if len(too_long) > 1 else ""
    raise UserError(
        f"row {names[worst]} has {len(rows[worst].input_ids)} tokens, more than max_length = {max_length}{others}; "
        "raise finetune.max_length or drop it"
    )

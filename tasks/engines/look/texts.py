"""How a tokenizer treats the run's own texts: prompts and a worked completion are encoded, decoded and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.schema import Example, to_table
from tasks.engines.look.asked import Asked
from tasks.engines.model_json import read_json
from tasks.engines.sampling.checkpoint import read_checkpoint
from tasks.engines.special_tokens import ROLES, special_tokens
from tasks.engines.training.sft_rows import Joining, tokenize

# Classes that read tokenizer.json as it is; others rebuild parts of it, so only transformers can say what they do.
PLAIN_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")
REBUILDING = ("add_bos_token", "add_eos_token", "add_prefix_space", "auto_map", "clean_up_tokenization_spaces")
SHOWN_CHARS = 40


class PlainTokenizer:
    """tokenizer.json with the names of its special tokens: what transformers makes of a plain tokenizer, without importing it."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._made = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._made.no_padding()  # of a training that saved it; transformers asks for its own, which is none
        self._made.no_truncation()
        config = read_json(folder / "tokenizer_config.json")
        self.eos_token, self.bos_token = _text(config.get("eos_token")), _text(config.get("bos_token"))
        self._roles = [text for name in ROLES if (text := _text(config.get(name)))]
        self.eos_token_id, self.bos_token_id, self.unk_token_id = (
            None if config.get(name) is None else self._made.token_to_id(_text(config[name]))
            for name in ("eos_token", "bos_token", "unk_token")
        )

    def __call__(self, text: str | Sequence[str], add_special_tokens: bool = True) -> Mapping[str, Any]:
        if isinstance(text, str):
            return {"input_ids": self._made.encode(text, add_special_tokens=add_special_tokens).ids}
        return {"input_ids": [self._made.encode(one, add_special_tokens=add_special_tokens).ids for one in text]}

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        return str(self._made.decode(list(ids), skip_special_tokens=skip_special_tokens))

    def get_vocab(self) -> dict[str, int]:
        return dict(self._made.get_vocab())

    @property
    def knows_its_roles(self) -> bool:
        """Return whether bos, eos, pad and the like are in its vocabulary; transformers adds those that are not, behind all others."""
        return all(self._made.token_to_id(text) is not None for text in self._roles)


def plain_tokenizer(folder: Path) -> PlainTokenizer | None:
    """Return the tokenizer where it does what transformers would, else None."""
    config = read_json(folder / "tokenizer_config.json")
    plain = (folder / "tokenizer.json").is_file() and config.get("tokenizer_class") in PLAIN_CLASSES
    if not plain or any(config.get(name) for name in REBUILDING):
        return None
    made = PlainTokenizer(folder)
    return made if made.knows_its_roles else None


def check_texts(tokenizer: Any, folder: Path, asked: Asked) -> list[str]:
    """Notes; UserError where a text does not come back, a row cannot be trained on, or a prompt leaves no room."""
    _check_roles(tokenizer, folder)
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{folder.name}: its tokenizer has no EOS token, so no row can teach where to stop; give it one (eos_token in tokenizer_config.json)"
        )
    for prompt in asked.prompts:
        _check_prompt(tokenizer, folder, prompt, asked.complete)
    _check_completion(tokenizer, folder, asked)
    _check_room(tokenizer, folder, asked)
    return _notes(tokenizer, folder, asked)


def _check_roles(tokenizer: Any, folder: Path) -> None:
    """A token that its config names and its vocabulary lacks is added behind all others, where the model may have no embedding."""
    rows = read_checkpoint(folder).vocab_size
    for name in ROLES:
        number = getattr(tokenizer, f"{name}_id", None)
        if number is not None and number >= rows:
            raise UserError(
                f"{folder.name}: its tokenizer has {name} {getattr(tokenizer, name)!r} as number {number}, but the model has {rows} embeddings; "
                f"name another {name} in tokenizer_config.json, such as {tokenizer.eos_token!r}, or resize the embeddings"
            )


def _check_prompt(tokenizer: Any, folder: Path, prompt: str, complete: bool) -> None:
    """Its ids end with the prompt's own text and give it back."""
    ids = list(tokenizer(prompt, add_special_tokens=not complete)["input_ids"])
    if ids and ids[-1] == tokenizer.eos_token_id and not prompt.endswith(str(tokenizer.eos_token)):
        raise UserError(
            f"{folder.name}: its tokenizer puts {tokenizer.eos_token!r} behind every text, so a completion would follow an end; "
            "set add_eos_token to false in tokenizer_config.json, or take it out of the post_processor in tokenizer.json"
        )
    if beyond := [one for one in ids if one >= read_checkpoint(folder).vocab_size]:
        raise UserError(
            f"{folder.name}: its tokenizer makes token {beyond[0]} of {tokenizer.decode(beyond[:1])!r} in a prompt, which has no embedding; "
            "take the tokenizer that belongs to this model"
        )
    start = 1 if not complete and ids and ids[0] == tokenizer.bos_token_id else 0
    _check_same(tokenizer, folder, prompt, ids[start:], "a prompt")


def _check_same(tokenizer: Any, folder: Path, text: str, ids: Sequence[int], what: str) -> None:
    unknown = tokenizer.unk_token_id
    if unknown is not None and unknown != tokenizer.eos_token_id and unknown in ids:
        strange = next(
            (one for one in text if unknown in tokenizer(one, add_special_tokens=False)["input_ids"]), "a character"
        )
        raise UserError(
            f"{folder.name}: its tokenizer does not know {strange!r}, which stands in {what}; change the text or take another base"
        )
    back = tokenizer.decode(ids, skip_special_tokens=False)
    if back in (text, f" {text}") or back == text.lstrip(" "):
        return
    place = next(
        (at for at, (one, other) in enumerate(zip(text, back, strict=False)) if one != other), min(len(text), len(back))
    )
    lost = "".join(text.split()) == "".join(back.split())
    remedy = (
        "whitespace is lost; a byte-level tokenizer may be declared as another class: set tokenizer_class to PreTrainedTokenizerFast"
        if lost
        else "take the tokenizer files that belong to this model"
    )
    raise UserError(
        f"{folder.name}: its tokenizer gives {what} back as {back[max(0, place - 8) :][:SHOWN_CHARS]!r} instead of "
        f"{text[max(0, place - 8) :][:SHOWN_CHARS]!r}; {remedy}"
    )


def _check_completion(tokenizer: Any, folder: Path, asked: Asked) -> None:
    """The worked completion makes a row whose target is its text and one EOS."""
    if not asked.prompts or not asked.solution:
        return
    example = Example("worked", 0, asked.prompts[0], asked.solution, 1.0, 1.0)
    made = tokenize(to_table([example], Example), tokenizer, Joining(asked.complete, asked.end))
    if made.held_back:
        raise UserError(f"{folder.name}: a worked solution cannot be trained on: {made.held_back[0].reason}")
    [row] = made.rows
    target = row.input_ids[row.prompt_length : -1]
    _check_same(tokenizer, folder, asked.solution, target, "a worked solution")


def _check_room(tokenizer: Any, folder: Path, asked: Asked) -> None:
    own = read_checkpoint(folder).max_positions
    limit = min(own, asked.context or own)
    longest = max(
        (len(tokenizer(prompt, add_special_tokens=not asked.complete)["input_ids"]) for prompt in asked.prompts),
        default=0,
    )
    if longest + asked.max_tokens > limit:
        raise UserError(
            f"a prompt has {longest} tokens and max_tokens is {asked.max_tokens}, together more than the context of {limit}: completions "
            f"would be cut without a word; lower max_tokens to {max(1, limit - longest)}, or the prompt (model.shots), or raise engine.max_model_len"
        )


def _notes(tokenizer: Any, folder: Path, asked: Asked) -> list[str]:
    special = special_tokens(folder)
    notes = [
        f"stop string {text!r} is special token {number}, not an end of this model: completions stop at its id"
        for number, text in special.stops(asked.stop).items()
    ]
    if special.has_marks:
        notes.append("special marks in pairs (such as <think>) are kept in the text of completions")
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id == tokenizer.eos_token_id:
        notes.append("EOS also stands for unknown characters")
    return notes


def _text(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")

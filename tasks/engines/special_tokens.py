"""Reads the special tokens of a checkpoint's tokenizer from its files, without loading it, and what they mean for sampling.

A server leaves special tokens out of the text that it returns. So a stop string that is one (`<|im_end|>` where EOS is
another token) never appears there and must be asked for by its id; and where marks that come in pairs (`<think>`) are
special, the text must keep them, because graders and trainer read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.engines.model_json import read_json

ROLES = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")


@dataclass(frozen=True)
class SpecialTokens:
    """`ids` of all special tokens by their text; `ends`: a completion stops at these by itself; `roles`: texts of bos, eos and so on."""

    ids: Mapping[str, int] = field(default_factory=dict)
    ends: frozenset[int] = frozenset()
    roles: frozenset[str] = frozenset()

    def stops(self, strings: Sequence[str]) -> dict[int, str]:
        """Return those of the stop strings that only their token id can find."""
        found = {self.ids[text]: text for text in strings if text in self.ids}
        return {number: text for number, text in found.items() if number not in self.ends}

    @property
    def has_marks(self) -> bool:
        """Return whether special tokens come in pairs such as `<think>` and `</think>`, beside bos, eos and the like."""
        return any(text.startswith("</") and f"<{text[2:]}" in self.ids and text not in self.roles for text in self.ids)


UNKNOWN = SpecialTokens()  # of a tokenizer that is not at hand


def special_tokens(folder: Path) -> SpecialTokens:
    """Return the special tokens of a checkpoint folder; missing files name none."""
    config, made = read_json(folder / "tokenizer_config.json"), read_json(folder / "tokenizer.json")
    added = [(one["content"], one["id"]) for one in made.get("added_tokens", ()) if one.get("special")]
    decoder: Mapping[str, Any] = config.get("added_tokens_decoder") or {}
    added += [(one["content"], int(number)) for number, one in decoder.items() if one.get("special")]
    ids = dict(added)
    roles = {name: _text(config.get(name)) for name in ROLES}
    eos = ids.get(roles["eos_token"])
    ends = {*_named_ends(folder), *([] if eos is None else [eos])}
    return SpecialTokens(ids, frozenset(ends), frozenset(filter(None, roles.values())))


def _named_ends(folder: Path) -> list[int]:
    """Return the end tokens of the generation config or, where there is no such file, of config.json, as the engines read them."""
    file = folder / "generation_config.json"
    told = read_json(file if file.is_file() else folder / "config.json").get("eos_token_id")
    return [number for number in (told if isinstance(told, list) else [told]) if isinstance(number, int)]


def _text(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")

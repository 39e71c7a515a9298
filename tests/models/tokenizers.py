"""Tokenizers of many kinds, made by hand or trained in a moment on a few sentences: what is different about each is its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = (
    "Question: Tom has 3 apples and buys 4 more. How many apples has he?\nAnswer: 3 + 4 = 7. The answer is \\boxed{7}.",
    "What is 12 + 34? 12 + 34 = 46\n#### 46", "def add(a, b):\n    return a + b", "Problem: x = 1/2\n\nSolution:\n x = 0.5",
)  # fmt: skip
SIZE = 290
CHATML = ("<|im_start|>", "<|im_end|>")


@dataclass(frozen=True)
class Kind:
    """How a tokenizer is made; `ids` names the special tokens that config and generation config know."""

    name: str
    make: Callable[[], Tokenizer]
    special: Mapping[str, str] = field(default_factory=dict)  # eos_token, bos_token, ... of tokenizer_config.json
    more: Mapping[str, Any] = field(default_factory=dict)  # of tokenizer_config.json
    extra_ends: tuple[str, ...] = ()  # further end tokens in generation_config.json
    works: bool = True  # end to end; else the look refuses it


def byte_level(*special: str, post: Any = None) -> Callable[[], Tokenizer]:
    def make() -> Tokenizer:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=SIZE, special_tokens=list(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        )  # fmt: skip
        tokenizer.train_from_iterator(SENTENCES, trainer)
        if post:
            tokenizer.post_processor = template(tokenizer, post)
        return tokenizer

    return make


def sentencepiece(*, post: str | None = "<s> $A", prefix: bool = True) -> Callable[[], Tokenizer]:
    """As Llama 2's: a space becomes a mark, one is put in front, unknown characters become bytes."""

    def make() -> Tokenizer:
        special = ["<unk>", "<s>", "</s>"]
        bytes_ = [f"<0x{number:02X}>" for number in range(256)]
        pieces = [
            "▁",
            *dict.fromkeys(
                character
                for text in SENTENCES
                for character in text.replace(" ", "▁")
                if character != "▁" and character != "\n"
            ),
        ]
        words = ["▁a", "▁t", "he", "▁the", "er", "▁1", "▁=", "▁+", "▁\\", "bo", "box", "boxed", "▁\\boxed", "\\boxed"]
        vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys([*special, *bytes_, *pieces, *words]))}
        merges = [
            ("▁", "a"),
            ("▁", "t"),
            ("h", "e"),
            ("▁t", "he"),
            ("e", "r"),
            ("▁", "1"),
            ("▁", "="),
            ("▁", "+"),
            ("▁", "\\"),
            ("b", "o"),
            ("bo", "x"),
        ]
        merges += [("box", "ed")] if "ed" in vocabulary else []
        tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        tokenizer.normalizer = normalizers.Sequence(
            [*([normalizers.Prepend("▁")] if prefix else []), normalizers.Replace(" ", "▁")]
        )
        tokenizer.decoder = decoders.Sequence(
            [
                decoders.Replace("▁", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                *([decoders.Strip(" ", 1, 0)] if prefix else []),
            ]
        )
        tokenizer.add_special_tokens(special)
        if post:
            tokenizer.post_processor = template(tokenizer, post)
        return tokenizer

    return make  # fmt: skip


def characters(
    *special: str, post: str | None = None, known: str = "".join(sorted(set("".join(SENTENCES))))
) -> Callable[[], Tokenizer]:
    def make() -> Tokenizer:
        vocabulary = {token: number for number, token in enumerate([*special, *known])}
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special[0]))
        tokenizer.add_special_tokens(list(special))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        tokenizer.decoder = decoders.Fuse()
        if post:
            tokenizer.post_processor = template(tokenizer, post)
        return tokenizer

    return make


def template(tokenizer: Tokenizer, single: str) -> Any:
    names = [word for word in single.split() if not word.startswith("$")]
    return processors.TemplateProcessing(
        single=single, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names]
    )


def words() -> Tokenizer:
    """Splits at spaces and forgets them, as BERT's does."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.WordPieceTrainer(vocab_size=SIZE, special_tokens=["[UNK]", "[SEP]", "[PAD]"], show_progress=False),
    )
    return tokenizer


def marks() -> Tokenizer:
    tokenizer = byte_level("<|endoftext|>", *CHATML)()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in ("<think>", "</think>")])
    return tokenizer


END = {"eos_token": "<|endoftext|>"}
CHAT_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("byte-level", byte_level("<|endoftext|>", "<|pad|>"), {**END, "pad_token": "<|pad|>"}),
        Kind("SentencePiece", sentencepiece(), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
        Kind("SentencePiece, no prefix space", sentencepiece(prefix=False), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
        Kind("added specials", byte_level("<|endoftext|>", *(f"<|reserved_{n}|>" for n in range(8))), END),
        Kind("no pad", byte_level("<|endoftext|>"), END),
        Kind("no EOS", byte_level("<|pad|>"), {"pad_token": "<|pad|>"}, works=False),
        Kind("unk = eos", byte_level("<|endoftext|>"), {**END, "bos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}),
        Kind("appends EOS", byte_level("<|endoftext|>", post="$A <|endoftext|>"), END, works=False),
        Kind("several EOS ids", byte_level("<|endoftext|>", "<|eot|>", "<|pad|>"), {**END, "pad_token": "<|pad|>"}, extra_ends=("<|eot|>",)),
        Kind("chat with default system text", byte_level("<|endoftext|>", *CHATML), {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}, {"chat_template": CHAT_TEMPLATE}),
        Kind("thinking template", marks, END, {"chat_template": CHAT_TEMPLATE.replace("assistant\n", "assistant\n<think>\n")}),
        Kind("ChatML end not EOS", byte_level("<|endoftext|>", *CHATML), {**END, "pad_token": "<|endoftext|>"}),
        Kind("characters", characters("<unk>", "<s>", "</s>", post="<s> $A"), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
        Kind("words without spaces", words, {"eos_token": "[SEP]", "unk_token": "[UNK]", "pad_token": "[PAD]"}, works=False),
        Kind("byte-level declared as Llama's", byte_level("<unk>", "<s>", "</s>"), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, {"tokenizer_class": "LlamaTokenizer"}, works=False),
    )
}  # fmt: skip


def write_tokenizer(folder: Path, kind: Kind) -> dict[str, int | None]:
    """tokenizer.json, its config and the generation config; the ids of the special tokens, for config.json."""
    tokenizer = kind.make()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 256, **kind.special, **kind.more}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    ids = {f"{name}_token_id": _id(tokenizer, kind.special.get(f"{name}_token")) for name in ("bos", "eos", "pad")}
    ends = [ids["eos_token_id"], *(tokenizer.token_to_id(token) for token in kind.extra_ends)]
    known = {**ids, "eos_token_id": ends if len(ends) > 1 else ends[0]}
    (folder / "generation_config.json").write_text(
        json.dumps({key: value for key, value in known.items() if value is not None})
    )
    return ids


def _id(tokenizer: Tokenizer, token: str | None) -> int | None:
    return None if token is None else tokenizer.token_to_id(token)

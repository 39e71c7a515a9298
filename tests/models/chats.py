"""Chat templates of the families, written for these tests in their form: tiny tokenizers that know their marks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.models.tokenizers import CHATML, Kind, byte_level, sentencepiece, write_tokenizer

CHATML_TEXT = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}"
    + CHATML_TEXT
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}"
    "{{ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{%- if messages[0]['role'] == 'system' -%}{%- set system = messages[0]['content'] -%}{%- set turns = messages[1:] -%}"
    "{%- else -%}{%- set system = '' -%}{%- set turns = messages -%}{%- endif -%}{{- bos_token -}}"
    "{%- for m in turns -%}{%- if m['role'] == 'user' -%}"
    "{%- if loop.first and system -%}{{- '[INST] ' + system + '\n\n' + m['content'] + ' [/INST]' -}}"
    "{%- else -%}{{- '[INST] ' + m['content'] + ' [/INST]' -}}{%- endif -%}"
    "{%- else -%}{{- ' ' + m['content'] + eos_token -}}{%- endif -%}{%- endfor -%}"
)
THINKING = (
    "{%- for m in messages -%}{%- set text = m['content'] -%}{%- if '</think>' in text -%}{%- set text = text.split('</think>')[-1].lstrip('\n') -%}"
    "{%- endif -%}{{- '<|im_start|>' + m['role'] + '\n' -}}"
    "{%- if m['role'] == 'assistant' and loop.last -%}{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}"
    "{{- text + '<|im_end|>\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}"
    "{%- if enable_thinking is defined and enable_thinking is false -%}{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}{%- endif -%}"
)


@dataclass(frozen=True)
class Chat:
    """A family: its tokenizer, with the template, and the token that ends a turn."""

    kind: Kind
    end: str
    system: bool = True  # the template takes system text


def _kind(name: str, make: object, special: dict[str, str], template: str, ends: tuple[str, ...] = ()) -> Kind:
    return Kind(name, make, special, {"chat_template": template}, extra_ends=ends)  # type: ignore[arg-type]


HEADERS = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
TURNS = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
CHATS: dict[str, Chat] = {
    chat.kind.name: chat
    for chat in (
        Chat(_kind("ChatML", byte_level("<|endoftext|>", *CHATML), {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}, CHATML_TEXT), "<|im_end|>"),
        Chat(_kind("ChatML of a base", byte_level("<|endoftext|>", *CHATML), {"eos_token": "<|endoftext|>"}, CHATML_TEXT), "<|im_end|>"),
        Chat(_kind("default system text", byte_level("<|endoftext|>", *CHATML), {"eos_token": "<|im_end|>"}, DEFAULT_SYSTEM), "<|im_end|>"),
        Chat(_kind("Llama 3", byte_level(*HEADERS, post="<|begin_of_text|> $A"), {"bos_token": HEADERS[0], "eos_token": HEADERS[1]}, LLAMA3, ("<|eot_id|>",)), "<|eot_id|>"),
        Chat(_kind("Gemma", byte_level(*TURNS, post="<bos> $A"), {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}, GEMMA, ("<end_of_turn>",)), "<end_of_turn>", system=False),
        Chat(_kind("Mistral", sentencepiece(), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, MISTRAL), "</s>"),
        Chat(_kind("thinking", byte_level("<|endoftext|>", *CHATML, "<think>", "</think>"), {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}, THINKING), "<|im_end|>"),
    )
}  # fmt: skip


def write_chat(folder: Path, name: str) -> dict[str, int | None]:
    """Write the tokenizer of a family, with its template, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_tokenizer(folder, CHATS[name].kind)

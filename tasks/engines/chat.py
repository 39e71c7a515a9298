"""Reads the chat template of a checkpoint folder, with the special tokens that it names, without loading the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.domain.chat_template import end_of
from tasks.domain.errors import UserError
from tasks.domain.settings import ChatSettings
from tasks.engines.model_json import read_json
from tasks.engines.special_tokens import ROLES, special_tokens

TEMPLATE_FILE = "chat_template.jinja"  # where newer checkpoints keep it; older ones in tokenizer_config.json


def chat_of(folder: Path, settings: ChatSettings) -> ChatSettings:
    """Return the settings with the template, tokens and end of turn of this model; UserError where it has no template."""
    config = read_json(folder / "tokenizer_config.json")
    roles = read_json(folder / "special_tokens_map.json") | {
        name: value for name, value in config.items() if value is not None
    }
    tokens = {name: text for name in ROLES if (text := _text(roles.get(name)))}
    template = settings.template or _template(folder, config)
    if not template:
        raise UserError(
            f'{folder.name} has no chat template, which model.prompt = "tokenizer" needs; take the instruct model, a built-in '
            "template such as gsm8k (model.prompt), or name one as model.chat.template"
        )
    found = settings.model_copy(update={"template": template, "tokens": tokens})
    special = [text for text in special_tokens(folder).ids if text]
    return found.model_copy(update={"end": end_of(found, special, tokens.get("eos_token", ""))})


def _template(folder: Path, config: dict[str, Any]) -> str:
    """Return the template, of several the one named default."""
    file = folder / TEMPLATE_FILE
    if file.is_file():
        return file.read_text(encoding="utf-8")
    held = config.get("chat_template") or ""
    if isinstance(held, list):
        held = next((one["template"] for one in held if one.get("name") == "default"), "")
    return str(held)


def _text(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")

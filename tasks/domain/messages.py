"""A prompt that comes as a list of messages: which text is the system's, and whose turn is whose.

Read are `{"role", "content"}` (OpenAI, verl, TRL), where content is text or a list of text parts, and `{"from", "value"}`
(ShareGPT). A conversation alternates and ends with the user, since the model is to write what follows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.nested import kind_of

ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant",
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One message; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class Asked:
    """What a problem asks: its text, and the conversation around it where it is more than one message of the user."""

    question: str
    chat: Mapping[str, Any]


def asked_by(messages: Sequence[Any], where: str) -> Asked:
    """Return the question that a list of messages asks; UserError for one that is no such conversation."""
    read = [_message(one, where) for one in messages]
    system = [one.content for one in read if one.role == "system"]
    turns = [one for one in read if one.role != "system"]
    _check(read, turns, where)
    chat: dict[str, Any] = {"system": "\n\n".join(system)} if system else {}
    if len(turns) > 1:
        chat["turns"] = [{"role": one.role, "content": one.content} for one in turns]
    return Asked("\n\n".join(one.content for one in turns), chat)


def messages_in(value: Any) -> list[Any] | None:
    """Return the list of messages that a question is, as a list or as its JSON text; None for any other question."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
        if not all(isinstance(one, Mapping) and ("role" in one or "from" in one) for one in value):
            return None
    return value if isinstance(value, list) and any(isinstance(one, Mapping) for one in value) else None


def _check(read: Sequence[Message], turns: Sequence[Message], where: str) -> None:
    if any(one.role == "system" for one in read[len(read) - len(turns) :]):
        raise UserError(f"{where}: a system message stands behind a turn; expected it at the beginning")
    if not turns or turns[-1].role != "user":
        raise UserError(
            f"{where}: the conversation does not end with a message of the user; the model is to write what follows it, "
            "so leave the answer out"
        )
    roles = [one.role for one in turns]
    if roles != ["user", "assistant"] * (len(turns) // 2) + ["user"]:
        raise UserError(f"{where}: the turns are {', '.join(roles)}; expected user and assistant in turn")


def _message(value: Any, where: str) -> Message:
    if not isinstance(value, Mapping):
        raise UserError(f"{where}: a message is {kind_of(value)}, expected an object with role and content")
    role = value.get("role") or value.get("from")
    if value.get("tool_calls") or value.get("function_call"):
        raise UserError(f"{where}: a message of the {role} calls a tool; expected text alone, leave such records out")
    if role not in ROLES:
        raise UserError(f"{where}: a message has the role {role!r}, expected one of {', '.join(ROLES)}")
    text = _content(value.get("content", value.get("value")), where).strip()
    if not text:
        raise UserError(f"{where}: a message of the {role} is empty; fill it or leave the record out")
    return Message(ROLES[str(role)], text)


def _content(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(
        isinstance(one, Mapping) and one.get("type", "text") == "text" and isinstance(one.get("text"), str)
        for one in value
    ):
        return "".join(one["text"] for one in value)
    kinds = (
        {str(one["type"]) for one in value if isinstance(one, Mapping) and one.get("type")}
        if isinstance(value, list)
        else set()
    )
    parts = f" with parts of the type {', '.join(sorted(kinds - {'text'}))}" if kinds - {"text"} else ""
    raise UserError(
        f"{where}: the content of a message is {kind_of(value)}{parts}, expected text or a list of text parts"
    )

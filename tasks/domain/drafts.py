"""What a raw record is and what a loader makes of it: a draft with its question, its gold answer or its tests.

Tests of code problems are JSON text in one of two shapes:

    {"inputs": [...], "outputs": [...], "fn_name": "f"}          APPS; without fn_name the program reads stdin
    {"prompt": "...", "test": "...", "entry_point": "f"}         asserts; `prompt` is the text that a body completes
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.golds import joined_golds
from tasks.domain.messages import Asked, asked_by, messages_in
from tasks.domain.nested import ABSENT, at_path, kind_of
from tasks.domain.schema import Kind


@dataclass(frozen=True)
class Draft:
    """A problem before it has a split and an id. `calculations` and `tests_count` are only for filters.

    A gold of "" is a record that should have one and does not. `chat` is what `Record.asked` says of a conversation.
    """

    kind: Kind
    question: str
    gold: str | None = None
    tests: str | None = None
    level: str | None = None
    own_id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    calculations: int | None = None
    tests_count: int | None = None
    chat: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One raw record, and where it stands (for error messages). `columns` renames: our field -> their column.

    A column is named by a dotted path where it lies inside of another one: `reward_model.ground_truth`.
    """

    data: Mapping[str, Any]
    where: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def optional(self, *names: str) -> Any:
        """The first of these columns that is there and not null; a mapped column must exist."""
        for name in names:
            column = self.columns.get(name, name)
            value = at_path(self.data, column)
            if value is ABSENT and name in self.columns:
                raise self._missing(column)
            if value is not ABSENT and value is not None and value == value:
                return value
        return None

    def required(self, *names: str) -> Any:
        value = self.optional(*names)
        if value is None:
            self.require_column(*names)
            raise self._empty(*names)
        return value

    def require_column(self, *names: str) -> None:
        """Raise UserError unless one of these columns is there, filled or not."""
        wanted = [self.columns.get(name, name) for name in names]
        if all(at_path(self.data, column) is ABSENT for column in wanted):
            raise self._missing(" or ".join(wanted))

    def text(self, *names: str) -> str:
        """Return the text (or number) of the first of these columns that is filled; UserError for any other type."""
        value = self.plain(self.required(*names), *names).strip()
        if not value:
            raise self._empty(*names)
        return value

    def asked(self, *names: str) -> Asked:
        """Return the question of the first of these columns that is filled: text, or a list of messages."""
        value = self.required(*names)
        messages = messages_in(value)
        if messages is not None:
            return asked_by(messages, self.where)
        return Asked(self.text(*names), {})

    def gold(self, *names: str) -> str:
        """Return the gold of the first of these columns that is filled, "" where none is; a list holds alternatives."""
        value = self.optional(*names)
        if not isinstance(value, list):
            return "" if value is None else self.plain(value, *names).strip()
        golds = [self.plain(one, *names).strip() for one in value if one is not None]
        return joined_golds([one for one in golds if one]) if any(golds) else ""

    def plain(self, value: Any, *names: str) -> str:
        """Return text or a number as text; UserError for a value whose text would be Python's and not the author's."""
        if isinstance(value, str) or (isinstance(value, int | float | Decimal) and not isinstance(value, bool)):
            return str(value)
        column = " or ".join(self.columns.get(name, name) for name in names)
        raise UserError(
            f"{self.where}: {column} is {kind_of(value)}, expected text or a number; "
            "name the field inside of it by a dotted path (columns = {field = 'column.field'}), or write it as text."
        )

    def _empty(self, *names: str) -> UserError:
        return UserError(f"{self.where}: {' or '.join(names)} is empty; every problem needs one, leave the record out.")

    def _missing(self, wanted: str) -> UserError:
        found = ", ".join(self._shown(name) for name in self.data) or "none"
        return UserError(
            f"{self.where}: expected a value in column {wanted}, found the columns {found}; "
            "map them with columns = {field = 'their column'}."
        )

    def _shown(self, name: str) -> str:
        """Return the name of a column, with those of the fields inside of it."""
        inside = self.data[name]
        return f"{name} ({', '.join(map(str, inside))})" if isinstance(inside, Mapping) and inside else str(name)


def level_text(value: Any) -> str | None:
    """'Level 3', 3 and 3.0 are the same level '3'."""
    if value is None:
        return None
    if isinstance(value, Mapping | list):
        raise UserError(f"a level is {kind_of(value)}, expected text or a number; map another column to level")
    text = str(value).strip().removeprefix("Level ").strip()
    return text.removesuffix(".0") or None


def own_id(record: Record, *names: str) -> str:
    """Return the record's id in the column id or one of these, empty where it has none."""
    value = record.optional("id", *names)
    return "" if value is None else record.plain(value, "id", *names)


def parsed_json(value: Any, where: str) -> Any:
    """Return JSON text as an object; an object stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{where}: the tests or solutions are not JSON ({error}); expected the format of APPS."
        ) from error
    except ValueError:  # a number of more than 4300 digits, which Python refuses to read: a problem without tests
        return {}


def json_text(value: Any) -> str:
    """Return an object as JSON text, as `Draft.tests` wants it."""
    return json.dumps(value, ensure_ascii=False)

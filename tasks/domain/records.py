"""What a raw record is and what a loader makes of it: a draft with its question, its gold answer or its tests.

Tests of code problems are JSON text in one of two shapes:

    {"inputs": [...], "outputs": [...], "fn_name": "f"}          APPS; without fn_name the program reads stdin
    {"prompt": "...", "test": "...", "entry_point": "f"}         asserts; `prompt` is the text that a body completes
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.schema import Kind


@dataclass(frozen=True)
class Draft:
    """A problem before it has a split and an id. `calculations` and `tests_count` are only for filters.

    A gold of "" is a record that should have one and does not.
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


@dataclass(frozen=True)
class Record:
    """One raw record, and where it stands (for error messages). `columns` renames: our field -> their column."""

    data: Mapping[str, Any]
    where: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def optional(self, *names: str) -> Any:
        """The first of these columns that is there and not null; a mapped column must exist."""
        for name in names:
            column = self.columns.get(name, name)
            if column not in self.data and name in self.columns:
                raise self._missing(column)
            if self.data.get(column) is not None:
                return self.data[column]
        return None

    def required(self, *names: str) -> Any:
        value = self.optional(*names)
        if value is None:
            raise self._missing(" or ".join(self.columns.get(name, name) for name in names))
        return value

    def require_column(self, *names: str) -> None:
        """Raise UserError unless one of these columns is there, filled or not."""
        wanted = [self.columns.get(name, name) for name in names]
        if not any(column in self.data for column in wanted):
            raise self._missing(" or ".join(wanted))

    def text(self, *names: str) -> str:
        value = str(self.required(*names)).strip()
        if not value:
            raise UserError(
                f"{self.where}: {' or '.join(names)} is empty; every problem needs one, leave the record out."
            )
        return value

    def _missing(self, wanted: str) -> UserError:
        found = ", ".join(map(str, self.data)) or "none"
        return UserError(
            f"{self.where}: expected a value in column {wanted}, found the columns {found}; "
            "map them with columns = {field = 'their column'}."
        )


def level_text(value: Any) -> str | None:
    """'Level 3', 3 and 3.0 are the same level '3'."""
    if value is None:
        return None
    text = str(value).strip().removeprefix("Level ").strip()
    return text.removesuffix(".0") or None


def own_id(record: Record, *names: str) -> str:
    """Return the record's id in the column id or one of these, empty where it has none."""
    value = record.optional("id", *names)
    return "" if value is None else str(value)


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

"""JSON in and out for frozen dataclasses: `record.to_json()` and `Record.from_json(value)`.

NaN is written as null (strict JSON has no NaN) and read back as NaN by the fields declared `Real`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from tasks.domain.errors import UserError

Real = Annotated[float, BeforeValidator(lambda value: float("nan") if value is None else value)]


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


class JsonRecord:
    """Mix-in for dataclasses whose fields are JSON-like or records themselves."""

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists, texts, numbers and None, ready for `json.dumps(..., allow_nan=False)`."""
        plain: dict[str, Any] = json.loads(_adapter(type(self)).dump_json(self))
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | str | bytes) -> Self:
        """Make the record from what `to_json` gave, or its text. UserError when it is no such record; unknown keys are left out."""
        text = value if isinstance(value, str | bytes) else json.dumps(value)
        try:
            made: Self = _adapter(cls).validate_json(text)
            return made
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the text"
            raise UserError(f"not a {cls.__name__}: at {place}: {first['msg']}; expected what to_json wrote") from error


def _adapter(kind: type) -> TypeAdapter[Any]:
    """Return the reader and writer of a record, which takes longer to make than to use."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]

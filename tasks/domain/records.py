"""JSON in and out for frozen dataclasses: `record.to_json()`, `Record.from_json(text)`.

NaN is written as null (strict JSON has no NaN) and read back as NaN by the fields declared `Real`.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from tasks.domain.errors import UserError

Real = Annotated[float, BeforeValidator(lambda value: float("nan") if value is None else value)]


class JsonRecord:
    """Mix-in for dataclasses whose fields are JSON-like or records themselves."""

    def to_json(self, indent: int | None = None) -> str:
        return TypeAdapter(type(self)).dump_json(self, indent=indent).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises UserError when the text is not such a record; keys from newer versions are ignored."""
        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the text"
            raise UserError(f"not a {cls.__name__}: at {place}: {first['msg']}; expected what to_json wrote") from error

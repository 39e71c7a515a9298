"""What all settings share: frozen, no unknown keys, and the slice of them that belongs into a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

LARGEST = 10**12  # of a whole number: what counts, sizes or seeds is far below, and no C interface overflows


class Settings(BaseModel):
    """Frozen, and an unknown key is an error: a misspelt knob must not be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    NOT_CONTENT: ClassVar[frozenset[str]] = frozenset()
    LATER: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _no_absurd_number(self) -> Self:
        """Look at what became of the values: a text or a 1e15 may have become a whole number."""
        for name, value in self:
            if any(abs(number) > LARGEST for number in _whole_numbers(value)):
                raise ValueError(f"{name} is beyond {LARGEST:,}; choose a smaller number")
        return self

    def content(self) -> dict[str, Any]:
        """The slice of these settings that belongs into a key.

        A field of `LATER` was added when stores with keys existed already. Its default does what was done before, and
        then it stays out of the key, so that what is stored stays valid.
        """
        fields = type(self).model_fields
        unsaid = {name for name in self.LATER if getattr(self, name) == fields[name].default}
        plain = self.model_dump(mode="json", exclude=set(self.NOT_CONTENT | unsaid))
        nested = {name: value.content() for name in plain if isinstance(value := getattr(self, name), Settings)}
        return plain | nested


def _whole_numbers(value: Any) -> Iterator[int]:
    """Yield the whole numbers of a field, at any depth; settings within it have looked at theirs."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, Mapping):
        yield from _whole_numbers(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _whole_numbers(one)

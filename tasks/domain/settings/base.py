"""What all settings share: frozen, no unknown keys, and the slice of them that belongs into a key."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

LARGEST = 10**12  # of a whole number: what counts, sizes or seeds is far below, and no C interface overflows


class Settings(BaseModel):
    """Frozen, and an unknown key is an error: a misspelt knob must not be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    NOT_CONTENT: ClassVar[frozenset[str]] = frozenset()
    LATER: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _no_absurd_number(cls, tree: Any) -> Any:
        for name, value in tree.items() if isinstance(tree, dict) else ():
            if isinstance(value, int) and abs(value) > LARGEST:
                raise ValueError(f"{name} is beyond {LARGEST:,}; choose a smaller number")
        return tree

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

"""What names an artifact: its recipe, its manifest, and the reference that travels between stages."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tasks.domain.fingerprint import digest_of


@dataclass(frozen=True)
class ArtifactRef:
    """The reference that travels between stages. `key` names the recipe, `digest` the content; `uri` is the manifest's folder."""

    stage: str
    key: str
    digest: str
    uri: str
    rows: int


@dataclass(frozen=True)
class Part:
    """One immutable file. `path` is relative to the store's root."""

    path: str
    rows: int
    bytes: int
    sha256: str = ""


@dataclass(frozen=True)
class Manifest:
    """A manifest says what a finished stage wrote, from which recipe, and in which environment."""

    stage: str
    key: str
    recipe: dict[str, Any]
    attempt: str
    digest: str
    rows: int
    parts: list[Part]
    meta: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        record = json.loads(text)
        record["parts"] = [Part(**part) for part in record["parts"]]
        return cls(**record)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False)


def key_of(recipe: dict[str, Any]) -> str:
    """Return the key of a recipe, which includes its stage and the stage's version."""
    return digest_of(recipe)


def new_attempt() -> str:
    """Return a name that sorts by time and is unique without coordination."""
    return f"{time.time_ns() // 1_000_000:013d}-{secrets.token_hex(4)}"


def explain(old: dict[str, Any] | None, new: dict[str, Any], limit: int = 4) -> str:
    """Say which part of the recipe changed: `sampling.temperature: 0.7 -> 0.8`."""
    if old is None:
        return "first time"
    changes = [f"{name}: {_short(a)} -> {_short(b)}" for name, a, b in _differences(old, new)]
    more = f" and {len(changes) - limit} more" if len(changes) > limit else ""
    return "; ".join(changes[:limit]) + more if changes else "its artifact is not in the store"


def _differences(old: Any, new: Any, prefix: str = "") -> Iterable[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(name), new.get(name), f"{prefix}.{name}" if prefix else name)
    elif old != new:
        yield prefix, old, new


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."

"""The JSON schema of a config file, made from the settings classes: editors complete and check TOML with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from flows.comparison.design import NAME, CompareSettings, Spends
from flows.config import RunConfig

DIALECT = "http://json-schema.org/draft-07/schema#"  # what TOML editors read
DOTTED = {"type": "string", "pattern": "[.:]", "description": "The dotted path of one of your own."}
FILE = {"type": "string", "description": "The name of a file beside the config."}
# what a file may say in another form than the settings hold: our class and field -> that form
OTHER_FORMS: dict[tuple[str, str], dict[str, Any]] = {
    ("DataSettings", "corrections"): FILE,
    ("LoopSettings", "draw"): {"type": "integer"},
}


def config_schema() -> dict[str, Any]:
    """Return the schema of a config file, as draft 7: of a run, or with `[compare]` of a comparison."""
    schema = RunConfig.model_json_schema()
    definitions = schema["$defs"]
    for model, field in set(_open_names(RunConfig)):
        _allow(definitions[model]["properties"], field, DOTTED)
    for (model, field), form in OTHER_FORMS.items():
        _allow(definitions[model]["properties"], field, form)
    sections = schema["properties"]
    schema["properties"] = {**sections, "compare": _compare(), "arms": _arms(sections, definitions["RunSettings"])}
    return {"$schema": DIALECT, **schema, "title": "A run of restem, or a comparison"}


def _compare() -> dict[str, Any]:
    return {**CompareSettings.model_json_schema(), "title": "Compare"}


def _arms(sections: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the sections `[arms.NAME]`: a method, how it spends, and any section of a run."""
    method = {**run["properties"]["preset"], "description": "Of the family; without it the arm's name is its method."}
    method.pop("default", None)
    spends = {
        "enum": list(get_args(Spends)),
        "description": "budget: its waves are scaled to it; own: they stay, within it.",
    }
    arm = {
        "type": "object",
        "properties": {"method": method, "spends": spends, **sections},
        "additionalProperties": False,
    }
    return {
        "type": "object", "description": "What an arm has of its own, over its method.",
        "patternProperties": {NAME: arm}, "additionalProperties": False,
    }  # fmt: skip


def _open_names(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield class and field of names that other packages may add to: forms list them, files may also hold a dotted path."""
    for name, field in model.model_fields.items():
        if callable(field.json_schema_extra):
            yield model.__name__, name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _open_names(field.annotation)


def _allow(properties: dict[str, Any], field: str, form: dict[str, Any]) -> None:
    """Let a field hold this form as well; what people read of it stays where it was."""
    said = {key: value for key, value in properties[field].items() if key in ("title", "description", "default")}
    held = {key: value for key, value in properties[field].items() if key not in said}
    properties[field] = {**said, "anyOf": [*held.pop("anyOf", []), *([held] if held else []), form]}

"""Says whether the installed vLLM serves an architecture, by the tables of its own registry, which are read as text.

vLLM chooses its code by the names in `architectures` of config.json: a class of its own, else that of transformers, run by vLLM. To import
vLLM takes seconds, so `check_served` reads the source of its registry; `probe_served`, in the look's child, imports the code that would serve.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.python_source import parsed
from tasks.engines.model_json import read_json

REGISTRY = "model_executor/models/registry.py"
GENERATING = (
    "_TEXT_GENERATION_MODELS", "_MULTIMODAL_MODELS", "_TRANSFORMERS_SUPPORTED_MODELS", "_TRANSFORMERS_BACKEND_MODELS",
)  # fmt: skip
OTHERS = (
    "_EMBEDDING_MODELS", "_LATE_INTERACTION_MODELS", "_REWARD_MODELS", "_TOKEN_CLASSIFICATION_MODELS",
    "_SEQUENCE_CLASSIFICATION_MODELS", "_SPECULATIVE_DECODING_MODELS",
)  # fmt: skip
GONE = "_PREVIOUSLY_SUPPORTED_MODELS"
HEADLESS = ("Model", "Classification", "Modeling", "TextEncoding")  # how vLLM's names for pooling end
WITH_HEAD = ("LMHeadModel", "ChatModel")
OTHER_ENGINE = "set engine.kind = 'hf'"


@dataclass(frozen=True)
class Registry:
    """What the registry names. `generating` has the module of each architecture that writes text, `gone` the last version with each former one."""

    generating: Mapping[str, str]
    others: frozenset[str] = field(default_factory=frozenset)
    gone: Mapping[str, str] = field(default_factory=dict)


@functools.cache
def registry() -> Registry | None:
    """Return the registry of the installed vLLM; None where there is none, or none that is laid out as expected."""
    found = importlib.util.find_spec("vllm")
    file = Path(found.origin).parent / REGISTRY if found and found.origin else None
    return registry_in(file.read_text(encoding="utf-8")) if file and file.is_file() else None


def registry_in(source: str) -> Registry | None:
    """Return what the source of a registry names; None without its main table."""
    tables = {
        node.targets[0].id: _table(node.value)
        for node in parsed(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict)
    }
    if not tables.get(GENERATING[0]):
        return None
    generating = {name: module for table in reversed(GENERATING) for name, module in tables.get(table, {}).items()}
    others = frozenset(name for table in OTHERS for name in tables.get(table, {}))
    return Registry(generating, others - generating.keys(), tables.get(GONE, {}))


def _table(value: ast.Dict) -> dict[str, str]:
    """Return the literal keys of a table with their value, or the first of the pair that is their value."""
    found = {}
    for key, one in zip(value.keys, value.values, strict=True):
        first = one.elts[0] if isinstance(one, ast.Tuple) and one.elts else one
        if isinstance(key, ast.Constant) and isinstance(first, ast.Constant):
            found[str(key.value)] = str(first.value)
    return found


def architecture_of(folder: Path) -> str:
    """Return the name by which vLLM chooses its code; UserError where config.json has none."""
    named = read_json(folder / "config.json").get("architectures")
    names = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    if not names:
        raise UserError(
            f"{folder.name}: its config.json names no architectures, by which vLLM chooses its code; add them as the model's "
            f"authors have them, or {OTHER_ENGINE}"
        )
    known = registry()
    return next((one for one in names if known and one in known.generating), names[0])


def check_served(folder: Path) -> bool:
    """Return whether vLLM names this model's architecture among those that write text; UserError where it is known not to serve it."""
    name, known = architecture_of(folder), registry()
    if known is None or name in known.generating:
        return True
    if name in known.others or (name.endswith(HEADLESS) and not name.endswith(WITH_HEAD)):
        raise UserError(
            f"{folder.name} is of architecture {name!r}, which vLLM serves for embeddings or scores and not for text; name a model "
            "that was saved with its language head (...ForCausalLM)"
        )
    return False


def probe_served(folder: Path) -> None:
    """Raise UserError where the code that vLLM would serve this model with does not exist, or lacks a package."""
    name, known = architecture_of(folder), registry()
    if known is None:
        return
    if name in known.generating:
        _require_packages(folder, name, known.generating[name])
    elif not through_transformers(name):
        until = known.gone.get(name)
        why = f"which vLLM served until {until} and serves no longer" if until else "which vLLM does not serve"
        raise UserError(f"{folder.name} is of architecture {name!r}, {why}; {OTHER_ENGINE}, or take another base")


def through_transformers(name: str) -> bool:
    """Return whether vLLM can run transformers' class of this name, by the question that its registry asks of the class."""
    import transformers

    found: Any = getattr(transformers, name, None)
    return found is not None and bool(found.is_backend_compatible() or found._can_set_attn_implementation())


def _require_packages(folder: Path, name: str, module: str) -> None:
    """Refuse what needs a package that is not installed; any other fault of an import is left to the server, which has its device."""
    try:
        importlib.import_module(module if module.startswith("vllm.") else f"vllm.model_executor.models.{module}")
    except Exception as error:  # a library's own code, which may fail in any way
        lacking = _lacking_package(error)
        if lacking:
            raise UserError(
                f"{folder.name} is of architecture {name!r}, for which vLLM needs the package {lacking}, and it is not installed; "
                f"install it, or {OTHER_ENGINE}"
            ) from error


def _lacking_package(error: BaseException | None) -> str:
    """Return the package whose absence began this chain of errors; empty for any other beginning."""
    while error is not None:
        package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if package not in ("", "vllm") and importlib.util.find_spec(package) is None:
            return package
        error = error.__cause__ or error.__context__
    return ""

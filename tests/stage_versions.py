"""Which code each stage's results rest on, as a digest: `python -m tests.stage_versions [--write | --same-results]`.

A stage's key holds its VERSION, not its code. So whenever the code that a stage (transitively) imports changes, somebody must
say whether its results can change: raise VERSION and `--write`, or `--same-results` for a change that cannot matter.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from pathlib import Path

from tasks.domain.extensions import COLUMNS, ENGINES, LOADERS

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "tests" / "stage_versions.json"
MODULES = {
    name: f"tasks.{name}" for name in ("generate", "human", "verify", "materialize", "finetune", "evaluate", "base")
}
MODULES["problems"] = "tasks.data.problems"
STAGES = tuple(MODULES)
FOUND_BY = {
    "tasks.engines.sampling.choose": ENGINES,
    "tasks.data.loader": LOADERS,
    "tasks.domain.column": COLUMNS,
}  # modules that find others by their declarations instead of importing them
# How a stage is run, shown and found; none of it decides what the stage writes.
NOT_CONTENT = {
    "tasks.store.progress",
    "tasks.store.stage",
    "tasks.store.workspace",
    "tasks.domain.failpoints",
    "tasks.domain.errors",
}


def fingerprints() -> dict[str, dict[str, str]]:
    return {stage: {"version": version_of(stage), "code": digest_of_code(MODULES[stage])} for stage in STAGES}


def version_of(stage: str) -> str:
    tree = ast.parse(source_of(MODULES[stage]) or "")
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "VERSION":
            return str(ast.literal_eval(node.value))
    raise ValueError(f"{MODULES[stage]} has no VERSION")


def digest_of_code(module: str) -> str:
    seen: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        source = source_of(name)
        if name in seen or name in NOT_CONTENT or source is None:
            continue
        tree = ast.parse(source)
        seen[name] = ast.dump(without_docstrings(tree))
        waiting += [*imported(tree, name), *(FOUND_BY[name].built_in.values() if name in FOUND_BY else ())]
    return hashlib.sha256(json.dumps(sorted(seen.items())).encode()).hexdigest()[:16]


def source_of(module: str) -> str | None:
    path = ROOT / Path(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return None


def imported(tree: ast.AST, module: str) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] in ("tasks", "flows", "sandbox")]


def without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0] = ast.Pass()
    return tree


Record = dict[str, dict[str, str]]  # name -> its version and the digest of its code


def recorded(path: Path = RECORD) -> Record:
    found: Record = json.loads(path.read_text())
    return found


def keep(path: Path, now: Record, arguments: list[str]) -> int:
    """Write `now` to the record if the arguments ask for it; 1 where code changed under the same version."""
    before = recorded(path) if path.exists() else {}
    stale = [
        name
        for name in before
        if now[name]["code"] != before[name]["code"] and now[name]["version"] == before[name]["version"]
    ]
    if stale and "--same-results" not in arguments:
        print(
            f"code of {', '.join(stale)} changed but its version did not: raise it, or say --same-results",
            file=sys.stderr,
        )
        return 1
    if arguments:
        path.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(keep(RECORD, fingerprints(), sys.argv[1:]))

"""The shape of the tree, told from its syntax: what may exist once, and that every folder has its place in the import order."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = ("flows", "tasks", "sandbox")
OF_A_RUN = re.compile(r"(^|/)runs/(?!flow-run)")  # a place in the store; Prefect's own pages are runs/flow-run/...


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Path and syntax tree of every module there."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def name_of(node: ast.expr) -> str:
    """The last word of a dotted name, empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def calls(node: ast.AST) -> set[str]:
    """Names that are called below a node."""
    return {name_of(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}


def docstrings(tree: ast.Module) -> set[int]:
    """Identities of the constants that only say something to a reader."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def texts(tree: ast.Module) -> Iterator[str]:
    """Strings of the code, also those inside f-strings; not its docstrings."""
    said = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def names_the_folder(tree: ast.Module) -> bool:
    """Whether `runs` alone is handed to a store's method, or kept as a constant (a plan has a state of that name)."""
    handed = [
        node.args for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    kept = [[node.value] for node in tree.body if isinstance(node, ast.Assign)]
    return any(isinstance(one, ast.Constant) and one.value == "runs" for row in (*handed, *kept) for one in row)


def test_no_class_inherits_from_run() -> None:
    """A run is data. A class that inherits from it is a mode of execution that cannot be combined with another."""
    kinds, found = {"Run"}, dict[str, str]()
    classes = [
        (path, node)
        for path, tree in modules(*CODE, "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    while fresh := {
        node.name: path for path, node in classes if node.name not in kinds and kinds & set(map(name_of, node.bases))
    }:
        kinds |= set(fresh)
        found |= fresh
    assert not found


def test_one_module_spells_the_folders_of_a_run() -> None:
    spelled = {
        path
        for path, tree in modules(*CODE)
        if any(OF_A_RUN.search(text) for text in texts(tree)) or names_the_folder(tree)
    }
    assert len(spelled) == 1, spelled


def test_one_place_drives_pipelines() -> None:
    found = [
        f"{path}: {function.name}"
        for path, tree in modules(*CODE, "tests")
        for function in functions(tree)
        if function.name.strip("_") == "drive"
    ]
    assert len(found) == 1, found


def test_one_function_is_an_iteration() -> None:
    """E-step and M-step meet in one function; whoever wants an iteration calls it."""
    found = {
        f"{path}: {function.name}"
        for path, tree in modules("flows", "tests")
        for function in functions(tree)
        if {"expectation", "maximization"} <= calls(function)
    }
    assert len(found) == 1, found


def test_every_folder_has_its_place_in_the_import_order() -> None:
    """Each folder of the tree, or a module of it, is named by a contract that says who may import whom."""
    named = ordered_modules(ROOT / ".importlinter")
    folders = {f"{package}.{path.parent.name}" for package in CODE for path in (ROOT / package).glob("*/__init__.py")}
    assert len(folders) > 15
    assert not {folder for folder in folders if not any(f"{one}.".startswith(f"{folder}.") for one in named)}


def ordered_modules(contracts: Path) -> set[str]:
    """Modules that a layers or an independence contract names."""
    parser = configparser.ConfigParser()
    parser.read(contracts)
    sections = (parser[name] for name in parser.sections())
    lines = [
        section.get("layers", "") + "\n" + section.get("modules", "")
        for section in sections
        if section.get("type") in ("layers", "independence")
    ]
    return {name.strip("()") for name in re.split(r"[\s|:]+", "\n".join(lines)) if name}


ACROSS_FOLDERS = {
    Path("models"),
    Path("gpu"),
}  # what people bring, and one card: through sampling, training and export alike


def test_every_test_folder_is_a_package_and_stands_for_a_folder_of_the_code() -> None:
    """A test is found where the code is that it is about."""
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    folders -= {Path(), *ACROSS_FOLDERS}
    assert not [str(folder) for folder in folders if not (ROOT / "tests" / folder / "__init__.py").is_file()]
    assert not [str(folder) for folder in folders if not (ROOT / folder).is_dir()]


MOST_MODULES = 16
LARGE_BY_NATURE = {
    "tasks/domain/methods",
    "tasks/domain",
    "flows/cli",
    "flows/cli/commands",
    "sandbox/image/inside",
    "tasks/report",
}


def test_a_folder_can_be_read_at_a_glance() -> None:
    """A drawer of forty modules tells no story."""
    counts = {
        str(folder.relative_to(ROOT)): len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        for package in CODE
        for folder in [ROOT / package, *(ROOT / package).rglob("*/")]
    }
    large = {folder for folder, count in counts.items() if count > MOST_MODULES}
    assert large <= LARGE_BY_NATURE, counts

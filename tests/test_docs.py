"""What README and docs name is there: files, commands with their arguments, settings, benchmarks, configs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from flows.cli.main import build_parser, commands_for
from flows.config import RunConfig
from tests.benchmarks.__main__ import names

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
FOLDERS = "flows|tasks|sandbox|tests|deployments|infra|docs"

on_every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code_of(text: str) -> Iterator[str]:
    """Yield each line of a block, and what stands in backticks elsewhere."""
    yield from (line for block in BLOCK.findall(text) for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))


def code_on(page: Path) -> list[str]:
    return list(code_of(page.read_text(encoding="utf-8")))


@on_every_page
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = [one.split("#")[0] for one in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))]
    assert [one for one in links if one and "://" not in one and not (page.parent / one).exists()] == []


def test_every_page_can_be_reached_from_readme() -> None:
    reached, waiting = set[Path](), [PAGES[0]]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        waiting += [page.parent / one for one in links if "://" not in one]
    assert sorted(one.name for one in PAGES if one.resolve() not in reached) == []


MADE_BY_THE_READER = {"infra/.env"}


@on_every_page
def test_files_of_the_project_that_are_named_are_there(page: Path) -> None:
    found = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*[\w/])")
    named = {one for code in code_on(page) for one in found.findall(code)} - MADE_BY_THE_READER
    assert sorted(one for one in named if not (ROOT / one).exists()) == []


@on_every_page
def test_commands_that_are_named_take_the_arguments_that_are_named(page: Path) -> None:
    known, own = commands(), set(re.findall(r'command\(\s*"(\w+)"', page.read_text(encoding="utf-8")))
    unknown = []
    for named, rest in (one for code in code_on(page) for one in called(code)):
        for name in named.split(" | "):
            given = re.findall(r"(?<!\S)\[?(--[a-z-]+)", rest)
            missing = [one for one in given if one not in options_of(known[name])] if name in known else [name]
            unknown += [] if name in own else missing
    assert unknown == []


def called(code: str) -> list[tuple[str, str]]:
    """Return each `restem` command of a line with what follows it; `ls | trace` names two."""
    return re.findall(r"(?:^|[;&] *|/bin/)restem ((?:[a-z]+ \| )*[a-z]+)([^#;&]*)", code.strip())


def commands() -> dict[str, argparse.ArgumentParser]:
    [words] = [one for one in build_parser(commands_for([]))._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(words.choices)


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options of a command, its own commands included."""
    inner = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    found = [options_of(one) for action in inner for one in action.choices.values()]
    return set(parser._option_string_actions).union(*found)


@on_every_page
def test_settings_that_are_named_exist(page: Path) -> None:
    sections = "|".join(RunConfig.model_fields)
    found = re.compile(rf"(?<![\w./:-])((?:{sections})(?:\.\w+)+)\b(?![(/])")
    named = {one for code in code_on(page) for one in found.findall(code) if not one.endswith((".py", ".json", ".log"))}
    assert sorted(one for one in named if not is_setting(RunConfig, one.split("."))) == []


def is_setting(model: Any, path: list[str]) -> bool:
    """Return whether a dotted path leads to a setting; the keys of a dictionary are the user's."""
    if not path:
        return True
    if get_origin(model) is dict:
        return is_setting(get_args(model)[1], path[1:])
    fields = getattr(model, "model_fields", {})
    return path[0] in fields and is_setting(fields[path[0]].annotation, path[1:])


@on_every_page
def test_benchmarks_that_are_named_exist(page: Path) -> None:
    asked = re.findall(r"tests\.benchmarks[ .]([a-z0-9_]+)", page.read_text(encoding="utf-8"))
    assert sorted(set(asked) - set(names())) == []


def test_readme_lists_every_config() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    configs = (ROOT / "deployments" / "configs").glob("*.toml")
    assert [one.name for one in configs if f"deployments/configs/{one.name}" not in text] == []


def test_what_is_looked_for_is_found() -> None:
    """So that a page cannot pass because nothing on it was read."""
    assert called(".venv/bin/restem view") == [("view", "")]
    assert called("restem ls | trace | gc --store X") == [("ls | trace | gc", " --store X")]
    assert "--no-such" not in options_of(commands()["run"]) and "--set" in options_of(commands()["run"])
    assert not is_setting(RunConfig, ["loop", "no_such"]) and is_setting(
        RunConfig, ["data", "transfer", "mine", "path"]
    )
    assert sum(len(called(code)) for page in PAGES for code in code_on(page)) > 50

"""Finds extensions by reading declarations, which stand in the extensions' own files.

A declaration is a call at the top level of a module, as a decorator or on the right of an assignment, whose first
argument is the name: `@register("math")`, `COMMAND = command("ls", ...)`. A registry looks for such calls in the source
of one folder, so that adding a file is all that it takes, and imports a module only when its name is asked for. A package
outside of the checkout declares through an entry point of the registry's group; where a name is expected, a dotted path
`package.module:thing` does as well.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tasks.domain.dotted import imported, is_dotted, split_path
from tasks.domain.errors import UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
Declared = TypeVar("Declared")


class Registry(Generic[T]):
    """The things of one kind, by name.

    `what` names the kind in sentences, `sign` is the function whose calls declare, `folder` the package whose modules are
    read, `group` the group of entry points.
    """

    def __init__(self, what: str, *, sign: str, folder: str, group: str) -> None:
        self.what, self.sign, self.folder, self.group = what, sign, folder, group
        self._added: dict[str, Any] = {}

    def add(self, name: str, thing: T) -> T:
        """Make `thing` known as `name` in this process; the latest one wins."""
        self._added[name] = thing
        return thing

    def declare(self, name: str) -> Callable[[Declared], Declared]:
        """Decorator: make the class or function below known as `name`."""

        def keep(thing: Declared) -> Declared:
            self._added[name] = thing
            return thing

        return keep

    def forget(self, name: str) -> None:
        """Undo `add`."""
        self._added.pop(name, None)

    def added(self) -> frozenset[str]:
        """Return the names that were added in this process, including built-in ones that were asked for."""
        return frozenset(self._added)

    @cached_property
    def built_in(self) -> dict[str, str]:
        """Return name -> module of what the folder declares, in the order of the files; nothing is imported."""
        package = importlib.import_module(self.folder)
        call = re.compile(rf'^(?:@|\w+ = ){self.sign}\(\s*"([^"]+)"', re.MULTILINE)
        return {
            name: f"{self.folder}.{file.stem}"
            for file in sorted(Path(package.__path__[0]).glob("*.py"))
            for name in call.findall(file.read_text(encoding="utf-8"))
        }

    def outside(self) -> dict[str, EntryPoint]:
        """Return what installed packages declare; UserError for a name that is taken."""
        found: dict[str, EntryPoint] = {}
        if not _is_declared(self.group):
            return found
        from importlib.metadata import entry_points  # a third of the time that `restem --help` takes

        for point in entry_points(group=self.group):
            if point.name in self.built_in or found.get(point.name, point) != point:
                raise UserError(
                    f"{self.what} {point.name!r} of {point.value} is declared elsewhere too; "
                    f"give it another name in the entry points ({self.group}) of its package"
                )
            found[point.name] = point
        return found

    def knows(self, name: str) -> bool:
        """Return whether `name` is built in or was added in this process; installed packages are not searched."""
        return name in self._added or name in self.built_in

    def names(self) -> tuple[str, ...]:
        """Return all names, the built-in ones first."""
        return tuple(dict.fromkeys([*self.built_in, *self.outside(), *self._added]))

    def get(self, name: str) -> T:
        """Return the thing of that name or dotted path; UserError when there is none or it cannot be imported."""
        if name in self.built_in and name not in self._added:
            importlib.import_module(self.built_in[name])  # its declaration adds it
        point = None if name in self.built_in else self.outside().get(name)
        thing: T
        if point is None and name in self._added:
            thing = self._added[name]
        elif point is None and not is_dotted(name):
            raise UserError(f"{self.what} {name!r} is not known; {self._expected()}")
        else:
            thing = self._imported(point.value if point else name)
        return thing

    def check(self, name: str) -> str:
        """`name`, for pydantic: ValueError with the sentence when there is no such thing. Nothing built-in is imported."""
        if name not in self.built_in:
            try:
                self.get(name)
            except UserError as error:
                raise ValueError(str(error)) from error
        return name

    def select(self, schema: dict[str, Any]) -> None:
        """Offer the names in a form, for pydantic's `json_schema_extra`; a dotted path is for config files."""
        schema["enum"] = list(self.names())

    def version(self, name: str) -> str | None:
        """Return what stands in keys for the code of a plug-in; None for a built-in name, whose stage has a version."""
        if name in self.built_in:
            return None
        from tasks.domain.plugin_code import version_of  # `restem --help` needs none of it

        thing, point = self.get(name), self.outside().get(name)
        path = point.value if point else name
        module = split_path(path)[0] if is_dotted(path) else str(getattr(thing, "__module__", ""))
        return version_of(thing, module, f"{self.what} {name!r}")

    def _imported(self, path: str) -> Any:
        try:
            return imported(path)
        except ImportError as error:
            raise UserError(f"{self.what} {path!r} cannot be imported ({error}); {self._expected()}") from error

    def _expected(self) -> str:
        return f"choose one of {', '.join(self.names())}, or name package.module:thing"


def _is_declared(group: str) -> bool:
    """Whether an installed package may have entry points of that group: most have none, and asking for them is slow."""
    head = f"[{group}]".encode()
    for place in map(Path, dict.fromkeys(path or "." for path in sys.path)):
        if place.is_file():  # an archive, which only importlib.metadata can read
            return True
        with suppress(OSError):  # a place that is not there or may not be read holds no package
            if any(head in points.read_bytes() for points in _declarations(place)):
                return True
    return False


def _declarations(place: Path) -> Iterator[Path]:
    for info in os.scandir(place):
        points = Path(info.path, "entry_points.txt")
        if info.name.endswith((".dist-info", ".egg-info")) and points.is_file():
            yield points

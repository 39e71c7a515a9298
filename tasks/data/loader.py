"""What a loader is: a file in tasks/data/loaders, or an entry point `restem.loaders` of any installed package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.domain.drafts import Draft, Record
from tasks.domain.errors import UserError
from tasks.domain.extensions import LOADERS
from tasks.domain.schema import Problem, Split
from tasks.domain.settings import SourceSettings

Make = Callable[[SourceSettings, Split], list[Problem]]
Read = Callable[[Record], Draft]


MOST_BUILT_IN = 100_000  # problems are made one by one, which takes seconds for that many


@dataclass(frozen=True)
class Loader:
    """A source of problems of one kind: `read` makes a problem of each record of a file, or `make` makes all problems.

    `hub` is the data set (NAME or NAME:CONFIG) that is read where the settings name no path; `needs_path` is the error where
    there is none. `runs_tests` says that all of its problems are checked by running their tests. `license` is that of the data
    that it is made for, empty where it reads anybody's. `fields` are the names that `columns` may map (empty: any).
    """

    name: str
    read: Read | None = None
    make: Make | None = None
    hub: str | None = None
    needs_path: str = ""
    runs_tests: bool = False
    license: str = ""
    fields: tuple[str, ...] = ()


def loader(
    name: str,
    *,
    read: Read | None = None,
    make: Make | None = None,
    hub: str | None = None,
    needs_path: str = "",
    runs_tests: bool = False,
    license: str = "",
    fields: tuple[str, ...] = (),
) -> Loader:
    """Declare a loader, of `read` or of `make`."""
    if (read is None) == (make is None):
        raise UserError(f"loader {name!r} names {'neither' if read is None else 'both'} of read and make; name one")
    return LOADERS.add(name, Loader(name, read, make, hub, needs_path, runs_tests, license, fields))


def loader_named(kind: str) -> Loader:
    """Return the loader of that name or dotted path; UserError when there is none."""
    found = LOADERS.get(kind)
    if not isinstance(found, Loader):
        raise UserError(f"loader {kind!r} is a {type(found).__name__}; expected what `loader(...)` returns")
    return found


def require_choices(settings: SourceSettings, name: str, splits: Sequence[str], levels: Sequence[str]) -> int:
    """Return how many problems are wanted; UserError for a split or level that generated problems do not have, or without a limit."""
    if settings.split not in splits:
        raise UserError(f"{name} has the splits {', '.join(splits)}, not {settings.split!r}.")
    if unknown := set(settings.levels) - set(levels):
        raise UserError(f"{name} has the levels {', '.join(levels)}, not {', '.join(sorted(unknown))}.")
    if settings.limit is None:
        raise UserError(f"{name} problems never end: set limit to how many are wanted.")
    if settings.offset + settings.limit > MOST_BUILT_IN:
        raise UserError(
            f"{name} problems are made one by one, and offset + limit is {settings.offset + settings.limit:,}; at most {MOST_BUILT_IN:,} can be had."
        )
    return settings.limit

"""What pages ask of an index: samples by filter and text, their histogram, a problem's samples. Values are always bound, never spelled."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa

from flows.viewer.index import Built
from tasks.domain.errors import UserError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PAGE = 50
LONGEST_EXCERPT = 400  # characters of a sample in a list
LONGEST_ASKED = 300  # characters of a question, and of what it expects, in a list
LONGEST_TEXT = 20_000  # of a sample on a problem's page; the whole text is a download
MOST_OF_A_PROBLEM = 400  # samples on one page
BARS = 20
KEPT_SEARCHES = 8
NUMBERS = ("iteration", "least", "most")
CHOICES = ("iteration", "part", "which", "sampling", "label", "fate", "finish", "level")


@dataclass(frozen=True)
class Filter:
    """Which samples are wanted; an empty field asks for nothing. `least` and `most` bound the completion's tokens."""

    text: str = ""
    problem: str = ""
    iteration: str = ""
    part: str = ""
    which: str = ""
    sampling: str = ""
    label: str = ""
    fate: str = ""
    finish: str = ""
    level: str = ""
    least: str = ""
    most: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filter:
        """Read the filter of an address; UserError for a number that is none."""
        values = {one.name: given.get(one.name, "").strip() for one in fields(cls)}
        for name in NUMBERS:
            if values[name] and not (values[name].isascii() and values[name].isdigit() and len(values[name]) < 10):
                raise UserError(f"{name} is {values[name][:40]!r}; expected a whole number")
        return cls(**values)

    def address(self, **changed: object) -> str:
        """Return the query part of the address that shows these samples, with some fields changed."""
        values = {name: str(value) for name, value in {**self.__dict__, **changed}.items() if value not in ("", None)}
        return "?" + urlencode(values)

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition and its values."""
        parts, values = ["true"], list[Any]()
        for name in CHOICES:
            if given := getattr(self, name):
                parts.append(f"{name} = ?")
                values.append(int(given) if name in NUMBERS else given)
        for name, sign in (("least", ">="), ("most", "<=")):
            if given := getattr(self, name):
                parts.append(f"tokens {sign} ?")
                values.append(int(given))
        for name in ("problem", "text"):
            if given := getattr(self, name):
                # Half the time of ILIKE where the first letter is a frequent one, and never more: it makes no lower-case copy.
                parts.append(f"regexp_matches({name}, ?, 'i')")
                values.append(re.escape(given))
        return " AND ".join(parts), values


@dataclass(frozen=True)
class Row:
    """One sample as a list or a problem's page shows it. `text` may be cut; `length` is that of the whole text, in characters."""

    id: int
    iteration: int | None
    part: str
    which: str
    sampling: str
    policy: str
    problem: str
    draw: int
    level: str | None
    label: str | None
    reward: float | None
    finish: str
    tokens: int
    fate: str
    evidence: str | None
    length: int
    text: str

    @property
    def cut(self) -> bool:
        return len(self.text) < self.length


@dataclass(frozen=True)
class Asked:
    """What a problem asks and expects, as a list shows it; both may be cut."""

    question: str
    gold: str


@dataclass(frozen=True)
class Bar:
    """Samples of one span of lengths, by label."""

    least: int
    most: int
    labels: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.labels.values())


@dataclass(frozen=True)
class Found:
    """One page of the samples of a filter, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int
    page: int
    bars: tuple[Bar, ...]

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


class Samples:
    """All samples of one run. It is safe to use from several threads."""

    def __init__(self, built: Built, base: DuckDBPyConnection) -> None:
        self.built, self._base = built, base
        self._lock = threading.Lock()
        self._matches: OrderedDict[Filter, np.ndarray[Any, Any]] = OrderedDict()

    def close(self) -> None:
        """Let the file go; DuckDB would answer from the open one when a new file has its name."""
        self._base.close()

    @cached_property
    def choices(self) -> dict[str, list[str]]:
        """The values that each field of a filter can have."""
        return {name: self._values(name) for name in CHOICES}

    def find(self, wanted: Filter, page: int = 0) -> Found:
        """Return one page of the samples, in the order in which they were drawn, and the histogram of all of them."""
        ids = self.matching(wanted)
        page = min(max(page, 0), max(0, (len(ids) - 1) // PAGE))
        shown = ids[page * PAGE : (page + 1) * PAGE]
        return Found(tuple(self._rows(shown, LONGEST_EXCERPT, wanted.text)), len(ids), page, self._bars(wanted, ids))

    def matching(self, wanted: Filter) -> np.ndarray[Any, Any]:
        """Return the numbers of all samples that a filter lets through; the last searches are remembered."""
        with self._lock:
            if wanted in self._matches:
                self._matches.move_to_end(wanted)
                return self._matches[wanted]
        condition, values = wanted.where()
        found = self._base.cursor().execute(f"SELECT rowid AS id FROM samples WHERE {condition}", values).fetchnumpy()
        ids = np.sort(np.asarray(found["id"], dtype=np.int64))
        with self._lock:
            self._matches[wanted] = ids
            while len(self._matches) > KEPT_SEARCHES:
                self._matches.popitem(last=False)
        return ids

    def of_problem(self, problem: str) -> list[Row]:
        """Return the samples of a problem over all policies, by iteration, set and draw."""
        found = self._base.cursor().execute("SELECT rowid AS id FROM samples WHERE problem = ?", [problem]).fetchnumpy()
        ids = np.sort(np.asarray(found["id"], dtype=np.int64))[:MOST_OF_A_PROBLEM]
        rows = self._rows(ids, LONGEST_TEXT)
        return sorted(
            rows, key=lambda row: (row.iteration or 0, row.part != "train", row.which, row.sampling, row.draw)
        )

    def problem(self, problem: str) -> dict[str, Any] | None:
        """Return the problem of that id, by column; None where there is none."""
        cursor = self._base.cursor().execute("SELECT * FROM problems WHERE problem = ? LIMIT 1", [problem])
        row, names = cursor.fetchone(), [one[0] for one in cursor.description or ()]
        return dict(zip(names, row, strict=True)) if row else None

    def asked(self, problems: Iterable[str]) -> dict[str, Asked]:
        """Return what each of these problems asks; one that is not in the store is left out."""
        found = self._base.cursor().execute(
            f"SELECT problem, left(question, {LONGEST_ASKED}), left(coalesce(gold, ''), {LONGEST_ASKED}) FROM problems "
            "WHERE problem IN (SELECT unnest(?))", [sorted(set(problems))],
        )  # fmt: skip
        return {problem: Asked(question or "", gold) for problem, question, gold in found.fetchall()}

    def text(self, number: int) -> str | None:
        """Return the whole text of one sample, or None."""
        row = self._base.cursor().execute("SELECT text FROM samples WHERE rowid = ?", [number]).fetchone()
        return str(row[0]) if row else None

    def _values(self, name: str) -> list[str]:
        found = self._base.cursor().execute(f"SELECT DISTINCT {name} FROM samples ORDER BY 1").fetchall()
        return [str(value) for (value,) in found if value not in ("", None)]

    def _rows(self, ids: np.ndarray[Any, Any], most: int, near: str = "") -> list[Row]:
        if not len(ids):
            return []
        names = [one.name for one in fields(Row)][1:-2]
        start = "greatest(1, strpos(lower(text), lower($near)) - 150)" if near else "1"
        wanted = ", ".join(str(int(one)) for one in ids)
        rows = self._base.cursor().execute(
            f"SELECT rowid, {', '.join(names)}, length(text), substr(text, {start}, {most}) FROM samples "
            f"WHERE rowid IN ({wanted}) ORDER BY rowid", {"near": near} if near else {},
        )  # fmt: skip
        return [Row(*row) for row in rows.fetchall()]

    def _bars(self, wanted: Filter, ids: np.ndarray[Any, Any]) -> tuple[Bar, ...]:
        """Return the histogram of lengths; after a text search it is made of what was found, so that the text is read once."""
        cursor = self._base.cursor()
        if wanted.text:
            cursor.register("found", pa.table({"id": ids}))
            condition, values = "rowid IN (SELECT id FROM found)", list[Any]()
        else:
            condition, values = wanted.where()
        span = cursor.execute(f"SELECT min(tokens), max(tokens) FROM samples WHERE {condition}", values).fetchone()
        if span is None or span[0] is None:
            return ()
        width = _round_width((span[1] - span[0] + 1) / BARS)
        found = cursor.execute(
            f"SELECT tokens // {width} AS bar, coalesce(label, 'not graded'), count(*) FROM samples WHERE {condition} "
            "GROUP BY ALL ORDER BY ALL", values,
        ).fetchall()  # fmt: skip
        first, last = span[0] // width, span[1] // width
        counts: dict[int, dict[str, int]] = {bar: {} for bar in range(first, last + 1)}
        for bar, label, count in found:
            counts[bar][label] = count
        return tuple(Bar(bar * width, bar * width + width - 1, labels) for bar, labels in counts.items())


def within(wanted: Filter, bar: Bar) -> Filter:
    """Return the filter of a bar's samples: its span, and what was asked for before."""
    least = max(bar.least, int(wanted.least or 0))
    most = min(bar.most, int(wanted.most)) if wanted.most else bar.most
    return replace(wanted, least=str(least), most=str(most))


def _round_width(width: float) -> int:
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= width:
                return step * size
        size *= 10

"""A further column of the data set that training reads: a file in tasks/domain/columns, or an entry point `restem.columns`.

A run asks for it by `materialize.columns`. Training does not see it; it is for those who open the data set. A field of a
row type itself is a line of its dataclass in tasks/domain/schema.py: the Parquet schema follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tasks.domain.errors import UserError
from tasks.domain.extensions import COLUMNS
from tasks.domain.schema import Example, schema_of, to_table


@dataclass(frozen=True)
class Column:
    """`value` of each row, as the Arrow type of that name ("int32", "float64", "string", ...)."""

    name: str
    type: str
    value: Callable[[Example], Any]


def column(name: str, type: str) -> Callable[[Callable[[Example], Any]], Column]:
    """Decorator: declare the function of a row below as a column."""

    def declare(value: Callable[[Example], Any]) -> Column:
        return COLUMNS.add(name, Column(name, type, value))

    return declare


def columns_named(names: Iterable[str]) -> list[Column]:
    """The columns of those names or dotted paths; UserError for one that is none, or that a row has already."""
    found = [COLUMNS.get(name) for name in names]
    for one in found:
        if not isinstance(one, Column):
            raise UserError(
                f"column {one!r} is a {type(one).__name__}; expected a function under `@column(name, type)`"
            )
        if one.name in schema_of(Example).names:
            raise UserError(f"column {one.name!r} is one that every row has; give the new one another name")
    return found


def with_columns(examples: Sequence[Example], columns: Iterable[Column]) -> pa.Table:
    """Return the rows as a table in which these columns follow the rows' own."""
    table = to_table(examples, Example)
    for one in columns:
        values = pa.array([one.value(example) for example in examples], pa.type_for_alias(one.type))
        table = table.append_column(one.name, values)
    return table

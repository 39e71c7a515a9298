"""Content and recipe identities: the same content or recipe has the same name everywhere.

A *digest* names content, a *key* names a recipe. Both are 16 hex digits of SHA-256 (64 bits): at a billion
artifacts the chance of one collision is below 3 %, and a store holds thousands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.domain.schema import LATER_COLUMNS, Problem, schema_of, to_records

if TYPE_CHECKING:
    import pyarrow as pa

DIGEST_CHARS = 16


def canonical(value: Any) -> str:
    """JSON text that is equal exactly when the values are: sorted keys, no spaces, no NaN."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """Return the digest of any JSON-like value, dataclass or pydantic model."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARS]


def digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARS]


def row_hashes(table: pa.Table) -> Iterator[bytes]:
    """Return the SHA-256 of each row's canonical JSON, without later columns that say nothing."""
    later = LATER_COLUMNS & set(table.column_names)
    for batch in table.to_batches(max_chunksize=4096):
        yield from map(partial(_row_hash, later=later), batch.to_pylist())


def _row_hash(row: dict[str, Any], later: frozenset[str]) -> bytes:
    for name in later:
        if row[name] is None:
            del row[name]
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def digest_of_rows(hashes: Iterable[bytes]) -> str:
    """Return the digest of a bag of rows: neither the order of rows nor how they are split into parts changes it."""
    total = hashlib.sha256()
    for row_hash in sorted(hashes):
        total.update(row_hash)
    return total.hexdigest()[:DIGEST_CHARS]


def digest_of_tables(tables: Iterable[pa.Table]) -> str:
    return digest_of_rows(h for table in tables for h in row_hashes(table))


def digest_of_problems(problems: Iterable[Problem]) -> str:
    """Return the digest of the table of these problems. The table is not made, because pyarrow would import pandas for it."""
    later = LATER_COLUMNS & set(schema_of(Problem).names)
    return digest_of_rows(_row_hash(record, later) for record in to_records(problems, Problem))


def sha256_of_file(path: Path) -> str:
    """Return the full SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """Return the digest of a folder from (relative path, sha256) pairs, whatever their order."""
    return digest_of(sorted(files))


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    return value

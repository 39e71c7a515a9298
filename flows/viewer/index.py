"""The index of one run's samples: a DuckDB file in scratch, built once from the store's Parquet and named by what it holds.

The name is a digest of the run's recipes, so a run that went on gets a new index and nothing ever has to be invalidated. The text
is kept uncompressed: that builds five times faster, and a search reads it all.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.stored.trace import RunRecords
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of
from tasks.domain.judged import HINTED, HUMAN
from tasks.store.artifacts import Manifest, Store, key_of
from tasks.store.slots import PROBLEMS, Slot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VERSION = 2
READERS = (
    16  # recipes that are read at once: a run has hundreds, and a remote store answers each after tens of milliseconds
)
DRAWN_BY = ("generate", "human")
INDEXED = (*DRAWN_BY, "verify", "materialize")
TABLES = """
CREATE TABLE problems (problem VARCHAR, split VARCHAR, kind VARCHAR, level VARCHAR, question VARCHAR, gold VARCHAR, tests VARCHAR);
CREATE TABLE samples (
  iteration SMALLINT, part VARCHAR, which VARCHAR, sampling VARCHAR, policy VARCHAR, problem VARCHAR, draw INTEGER, level VARCHAR,
  label VARCHAR, reward DOUBLE, finish VARCHAR, tokens INTEGER, fate VARCHAR, evidence VARCHAR,
  text VARCHAR USING COMPRESSION uncompressed
);
CREATE TABLE built (samples BIGINT, seconds DOUBLE);
CREATE TEMP TABLE kept (iteration SMALLINT, problem VARCHAR, draw INTEGER, length INTEGER, digest VARCHAR);
"""
# A night may train on samples of earlier nights, whose draws have the same numbers: what is kept is told by its text as well.
# Solutions by people belong to no iteration: they are kept where any data set holds them.
INSERT = """
INSERT INTO samples
SELECT $iteration, $part, $which, $sampling, coalesce($policy, s.policy_digest), s.problem_id, s.index, p.level, v.label, v.reward, s.finish_reason,
  s.completion_tokens,
  CASE WHEN $scores THEN 'evaluation' WHEN EXISTS (
      SELECT 1 FROM kept k WHERE ($iteration IS NULL OR k.iteration = $iteration) AND k.problem = s.problem_id
        AND k.draw = s.index + $offset AND md5(left(s.text, k.length)) = k.digest
    ) THEN 'kept' WHEN v.label IS NULL THEN 'not graded'
    WHEN v.label <> 'correct' THEN 'not accepted' WHEN s.finish_reason <> 'stop' THEN 'cut' ELSE 'left over' END,
  v.evidence, s.text
FROM drawn s LEFT JOIN verdicts v ON v.problem_id = s.problem_id AND v.index = s.index
LEFT JOIN problems p ON p.problem = s.problem_id
ORDER BY s.problem_id, s.index
"""
DRAWN = ["problem_id", "index", "text", "finish_reason", "completion_tokens", "policy_digest"]
NO_VERDICTS = pa.table({name: pa.array([], kind) for name, kind in
                        (("problem_id", pa.string()), ("index", pa.int32()), ("label", pa.string()), ("reward", pa.float64()),
                         ("evidence", pa.string()))})  # fmt: skip


@dataclass(frozen=True)
class Built:
    """One index file; `seconds` is the time that building it took."""

    path: Path
    key: str
    samples: int
    seconds: float


def index_key(records: RunRecords) -> str:
    """Return the digest of everything of the run that an index holds."""
    paths = records.store.walk(records.places.recipes)
    with ThreadPoolExecutor(READERS) as readers:
        recipes = readers.map(records.store.read_json, paths)
        named = zip(paths, recipes, strict=True)
        wanted = sorted((path, key_of(one)) for path, one in named if one and one["stage"] in (*INDEXED, PROBLEMS))
    return digest_of([VERSION, wanted])


def build(records: RunRecords, path: Path, key: str, progress: Callable[[int, int], None]) -> Built:
    """Write the index of a run; the file is complete or absent."""
    started = time.monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with _connected(draft) as base:
            base.execute(TABLES)
            _insert_problems(base, records)
            _insert_kept(base, records)
            slots = list(records.slots(lambda slot: slot.stage in DRAWN_BY))
            for done, (slot, manifest) in enumerate(slots):
                progress(done, len(slots))
                _insert_samples(base, records, slot, manifest)
            base.execute("INSERT INTO built SELECT count(*), ? FROM samples", [time.monotonic() - started])
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return read_built(path, key)


def read_built(path: Path, key: str) -> Built:
    """Return what an index file says of itself."""
    with _connected(path, read_only=True) as base:
        row = base.execute("SELECT samples, seconds FROM built").fetchone()
    assert row is not None
    return Built(path, key, int(row[0]), float(row[1]))


def connect(path: Path, read_only: bool = False) -> DuckDBPyConnection:
    """Open an index that can reach no other file and no network; UserError where DuckDB is not installed."""
    try:
        import duckdb
    except ImportError as error:
        raise UserError(
            "samples are shown through an index, which needs DuckDB; install it with pip install 'restem[viewer]'"
        ) from error
    config: dict[str, Any] = {"enable_external_access": "false", "autoload_known_extensions": "false"}
    return duckdb.connect(str(path), read_only=read_only, config=config)


def is_damage(error: Exception) -> bool:
    """Return whether DuckDB met a file that is cut, overwritten, or of another schema or version, and not a bad value or a full memory.

    A wrong checksum has no class of its own: it is a plain `duckdb.Error`.
    """
    try:
        import duckdb
    except ImportError:
        return False
    other = (duckdb.DataError, duckdb.OutOfMemoryException, duckdb.InterruptException)
    return isinstance(error, duckdb.Error) and not isinstance(error, other)


@contextmanager
def _connected(path: Path, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    base = connect(path, read_only)
    try:
        yield base
    finally:
        base.close()


def _insert_problems(base: DuckDBPyConnection, records: RunRecords) -> None:
    for _, manifest in records.slots(lambda slot: slot.part == PROBLEMS and not slot.stage):
        for table in records.store.tables(records.store.ref(manifest)):
            base.register("given", table)
            base.execute("INSERT INTO problems SELECT id, split, kind, level, question, gold, tests FROM given")
            base.unregister("given")


def _insert_kept(base: DuckDBPyConnection, records: RunRecords) -> None:
    for slot, manifest in records.slots(lambda slot: slot.stage == "materialize"):
        for part in manifest.parts:
            if part.path.endswith(".parquet"):
                table = records.store.read_table(part.path, ["problem_id", "index", "completion"])
                base.register("given", table)
                base.execute(
                    "INSERT INTO kept SELECT DISTINCT ?, problem_id, index, length(completion), md5(completion) FROM given",
                    [slot.iteration],
                )
                base.unregister("given")


def _insert_samples(base: DuckDBPyConnection, records: RunRecords, slot: Slot, manifest: Manifest) -> None:
    drawn = _whole(records.store, manifest, DRAWN)
    if drawn is None:
        return
    verify = records.at(slot.at(stage="verify"))
    verdicts = _whole(records.store, verify, NO_VERDICTS.column_names) if verify else None
    base.register("drawn", drawn)
    base.register("verdicts", NO_VERDICTS if verdicts is None else verdicts)
    values = {
        "iteration": slot.iteration, "part": "human" if slot.stage == "human" else slot.set or slot.part, "which": slot.which,
        "sampling": slot.sampling, "policy": manifest.recipe.get("policy"), "scores": slot.is_evaluation, "offset": _offset(slot),
    }  # fmt: skip
    base.execute(INSERT, values)
    base.unregister("drawn")
    base.unregister("verdicts")


def _offset(slot: Slot) -> int:
    """Return what a data set adds to the number of a draw of that slot."""
    if slot.stage == "human":
        return HUMAN
    return HINTED if slot.set == "hint" else 0


def _whole(store: Store, manifest: Manifest, names: list[str]) -> pa.Table | None:
    """Return these columns of all parts; others differ between parts of different ages."""
    tables = list(store.tables(store.ref(manifest), names))
    return pa.concat_tables(tables) if tables else None

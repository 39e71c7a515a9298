"""The artifact store: `<root>/<stage>/<key>/manifest.json` is the only truth about what is done.

<root>/<stage>/<key>/<attempt>/part-00000.parquet   written first, never rewritten
<root>/<stage>/<key>/manifest.json                  written last, by a conditional put: one attempt wins
<root>/samples/<pool>/<attempt>-00000.parquet       samples, shared by every run that draws from the same pool
<root>/runs/<run>/...                               what belongs to one run: config, recipes, results, report
"""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.domain.errors import StoreUnavailable
from tasks.domain.fingerprint import digest_of_rows, row_hashes
from tasks.domain.schema import Policy, from_table
from tasks.store.arrays import span, strings
from tasks.store.manifest import ArtifactRef, Manifest, Part, explain, key_of, new_attempt
from tasks.store.objects import ObjectStore, digest_of_folder

__all__ = [
    "ArtifactRef", "Manifest", "Part", "Store", "TableWriter", "digest_of_folder", "explain", "key_of", "new_attempt",
    "select_wanted",
]  # fmt: skip


class Store(ObjectStore):
    """The artifact store keeps manifests and tables on top of objects."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._footers: dict[str, pa.Table] = {}
        self._lock = threading.Lock()

    # -- manifests

    def lookup(self, stage: str, key: str) -> Manifest | None:
        """Return the committed artifact of this recipe, or None."""
        try:
            return Manifest.from_json(self.read_bytes(f"{stage}/{key}/manifest.json").decode())
        except FileNotFoundError:
            return None

    def ref(self, manifest: Manifest) -> ArtifactRef:
        uri = self.uri(f"{manifest.stage}/{manifest.key}")
        return ArtifactRef(manifest.stage, manifest.key, manifest.digest, uri, manifest.rows)

    def manifest_of(self, ref: ArtifactRef) -> Manifest:
        manifest = self.lookup(ref.stage, ref.key)
        if manifest is None:
            raise StoreUnavailable(f"artifact {ref.stage}/{ref.key} was there and is gone from {self.root_url}")
        return manifest

    def start_of(self, policy: Policy) -> Policy:
        """Return the policy from which this one was trained, as the manifest of its training names it."""
        stage, key, *_ = policy.uri.removeprefix(self.uri("").rstrip("/") + "/").split("/")
        manifest = self.lookup(stage, key)
        if manifest is None or "start" not in manifest.meta:
            raise self.gone(policy.uri)
        return Policy(**manifest.meta["start"])

    def commit(self, manifest: Manifest) -> Manifest:
        """Commit the artifact by its manifest. If another attempt was first, its manifest is returned and ours is dropped."""
        relative = f"{manifest.stage}/{manifest.key}/manifest.json"
        if self.put_if_absent(relative, manifest.to_json().encode()):
            return manifest
        winner = self.lookup(manifest.stage, manifest.key)
        if winner is None:
            raise StoreUnavailable(f"{relative} exists in {self.root_url} but cannot be read")
        return winner

    # -- tables

    def write_table(self, relative: str, table: pa.Table) -> Part:
        """Write one Parquet file, which is complete or absent."""
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        data = buffer.getvalue()
        self.write_bytes(relative, data)
        return Part(relative, table.num_rows, len(data))

    def read_table(self, relative: str, columns: list[str] | None = None) -> pa.Table:
        """Return one Parquet file, or these columns of it; `pq.read_table` would import pandas."""
        data = self.read_bytes(relative)
        return pq.ParquetFile(pa.BufferReader(data)).read(columns, use_threads=len(data) > WORTH_THREADS_BYTES)

    def tables(self, ref: ArtifactRef, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the parts of a table artifact, or these columns of them, one after the other."""
        manifest = self.manifest_of(ref)
        wanted = manifest.meta.get("wanted")
        read = None if columns is None else [*dict.fromkeys([*columns, *(WANTED_BY if wanted else ())])]
        seen: set[tuple[str, int]] = set()
        for part in manifest.parts:
            if part.path.endswith(".parquet"):
                table = self.read_table(part.path, read)
                chosen = select_wanted(table, wanted, seen) if wanted else table
                yield chosen if columns is None else chosen.select(columns)

    def rows(self, ref: ArtifactRef, row_type: type) -> list[Any]:
        """Return all rows of a table artifact as records; only for artifacts of one range's size."""
        return [row for table in self.tables(ref) for row in from_table(table, row_type)]

    def sample_index(self, pool: str) -> Iterator[tuple[str, pa.Table]]:
        """Yield (part, its problem_id, prompt_digest and index columns) of every stored part of a pool, oldest first."""
        for name in self.listdir(f"samples/{pool}"):
            relative = f"samples/{pool}/{name}"
            if not name.endswith(".parquet"):
                continue
            if relative not in self._footers:
                columns = self.read_table(relative, ["problem_id", "prompt_digest", "index"])
                with self._lock:
                    self._footers[relative] = columns
            yield relative, self._footers[relative]


class TableWriter:
    """Writes one table artifact part by part; it exists only after `commit`."""

    def __init__(self, store: Store, recipe: dict[str, Any]) -> None:
        self.store, self.recipe = store, recipe
        self.stage, self.key, self.attempt = recipe["stage"], key_of(recipe), new_attempt()
        self.parts: list[Part] = []
        self.hashes: list[bytes] = []
        self.started = time.time()

    def write(self, table: pa.Table) -> None:
        relative = f"{self.stage}/{self.key}/{self.attempt}/part-{len(self.parts):05d}.parquet"
        self.parts.append(self.store.write_table(relative, table))
        self.hashes.extend(row_hashes(table))

    def add_file(self, name: str, data: bytes, *, content: bool = False) -> None:
        """Add a file beside the parts; `content` says that it belongs to the content (a score) and does not merely describe it (a card)."""
        relative = f"{self.stage}/{self.key}/{self.attempt}/{name}"
        self.store.write_bytes(relative, data)
        self.parts.append(Part(relative, 0, len(data)))
        if content:
            self.hashes.append(hashlib.sha256(data).digest())

    def commit(self, meta: dict[str, Any]) -> Manifest:
        rows = sum(part.rows for part in self.parts)
        manifest = Manifest(
            self.stage, self.key, self.recipe, self.attempt, digest_of_rows(self.hashes), rows, self.parts,
            meta | {"seconds": round(time.time() - self.started, 3)}, time.time(),
        )  # fmt: skip
        return self.store.commit(manifest)


WORTH_THREADS_BYTES = 1 << 20  # of a Parquet file; below that, starting threads takes longer than reading
WANTED_BY = ("problem_id", "index", "prompt_digest")  # columns by which a part of a pool is chosen


def select_wanted(table: pa.Table, wanted: dict[str, Any], seen: set[tuple[str, int]]) -> pa.Table:
    """Select the rows of a samples part that belong to one artifact: its problems, and its span of indices.

    `seen` holds the (problem, index) pairs of earlier parts: two simultaneous runs may have drawn the same pair; the first counts.
    """
    mask = pc.and_(
        pc.and_(
            pc.is_in(table["problem_id"], value_set=strings(wanted["problems"])),
            pc.is_in(table["prompt_digest"], value_set=strings(wanted["prompts"])),
        ),
        pc.is_in(table["index"], value_set=span(wanted["start"], wanted["stop"])),
    )
    chosen = table.filter(mask)
    pairs = list(zip(chosen["problem_id"].to_pylist(), chosen["index"].to_pylist(), strict=True))
    fresh = [pair not in seen for pair in pairs]
    seen.update(pairs)
    return chosen if all(fresh) else chosen.filter(pa.array(fresh))

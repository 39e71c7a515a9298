"""The artifact store: `<root>/<stage>/<key>/manifest.json` is the only truth about what is done.

    <root>/<stage>/<key>/<attempt>/part-00000.parquet   written first, never rewritten
    <root>/<stage>/<key>/manifest.json                  written last, by a conditional put: one attempt wins
    <root>/samples/<pool>/<attempt>-00000.parquet       samples, shared by every run that draws from the same pool
    <root>/runs/<run>/...                               what belongs to one run: config, recipes, results, report

Works on any fsspec file system with a conditional put: local folders (hard link) and S3 (If-None-Match, s3fs mode "xb").
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from tasks.domain.errors import StoreUnavailable, UserError
from tasks.domain.fingerprint import digest_of, digest_of_files, digest_of_rows, row_hashes, sha256_of_file
from tasks.domain.schema import from_table


@dataclass(frozen=True)
class ArtifactRef:
    """What travels between stages. `key` is the recipe, `digest` the content, `uri` the manifest's folder."""

    stage: str
    key: str
    digest: str
    uri: str
    rows: int


@dataclass(frozen=True)
class Part:
    """One immutable file. `path` is relative to the store's root."""

    path: str
    rows: int
    bytes: int
    sha256: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a finished stage wrote, from which recipe, and in which surroundings."""

    stage: str
    key: str
    recipe: dict[str, Any]
    attempt: str
    digest: str
    rows: int
    parts: list[Part]
    meta: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        record = json.loads(text)
        record["parts"] = [Part(**part) for part in record["parts"]]
        return cls(**record)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False)


def key_of(recipe: dict[str, Any]) -> str:
    """The name of a recipe. The recipe carries its stage and the stage's version."""
    return digest_of(recipe)


def new_attempt() -> str:
    """A name that sorts by time and is unique without coordination."""
    return f"{time.time_ns() // 1_000_000:013d}-{secrets.token_hex(4)}"


class Store:
    """An artifact store below `root` (a folder or an fsspec URL). Safe to use from several threads and processes."""

    def __init__(self, root: str) -> None:
        self.root_url = root
        try:
            self.fs, self.root = fsspec.core.url_to_fs(root)
        except (ImportError, ValueError) as error:
            raise UserError(f"store {root!r} cannot be opened: {error}; use a folder or s3://bucket/prefix") from error
        self.is_local = isinstance(self.fs, LocalFileSystem)
        self._footers: dict[str, pa.Table] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        return Store, (self.root_url,)

    # -- paths and bytes

    def path(self, relative: str) -> str:
        return f"{self.root.rstrip('/')}/{relative}"

    def uri(self, relative: str) -> str:
        return self.path(relative) if self.is_local else self.fs.unstrip_protocol(self.path(relative))

    def read_bytes(self, relative: str) -> bytes:
        with self._reaching(relative):
            return self.fs.cat_file(self.path(relative))

    def read_json(self, relative: str) -> Any | None:
        """The JSON document there, or None where nothing is."""
        try:
            return json.loads(self.read_bytes(relative))
        except FileNotFoundError:
            return None

    def write_bytes(self, relative: str, data: bytes) -> None:
        """Replace the object; a reader sees the old or the new bytes, never a part."""
        with self._reaching(relative):
            if not self.is_local:
                self.fs.pipe_file(self.path(relative), data)
                return
            temporary = self._write_temporary(relative, data)
            os.replace(temporary, self.path(relative))

    def write_json(self, relative: str, value: Any) -> None:
        self.write_bytes(relative, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode())

    def put_if_absent(self, relative: str, data: bytes) -> bool:
        """Write the object only if none is there; of several writers exactly one gets True."""
        with self._reaching(relative):
            if self.is_local:
                return self._link_if_absent(relative, data)
            try:
                with self.fs.open(self.path(relative), "xb") as stream:
                    stream.write(data)
            except FileExistsError:
                # s3fs retries a put whose answer was lost and then meets its own object
                self.fs.invalidate_cache()
                return bool(self.fs.cat_file(self.path(relative)) == data)
            return True

    def listdir(self, relative: str) -> list[str]:
        """Names directly below a folder, sorted; empty where nothing is."""
        with self._reaching(relative):
            try:
                names = self.fs.ls(self.path(relative), detail=False, **({} if self.is_local else {"refresh": True}))
            except (FileNotFoundError, NotADirectoryError):
                return []
            return sorted({name.rstrip("/").rsplit("/", 1)[-1] for name in names} - {"", relative.rsplit("/", 1)[-1]})

    def walk(self, relative: str) -> list[str]:
        """Paths, relative to the root, of all files below a folder, sorted; empty where nothing is."""
        with self._reaching(relative):
            self.fs.invalidate_cache()
            found = self.fs.find(self.path(relative).rstrip("/"))
        return sorted(path[len(self.root.rstrip("/")) + 1 :] for path in found)

    def delete(self, relative: str) -> None:
        with self._reaching(relative):
            if self.fs.exists(self.path(relative)):
                self.fs.rm(self.path(relative), recursive=True)

    def size(self, relative: str) -> int:
        """Bytes below a folder."""
        with self._reaching(relative):
            return int(self.fs.du(self.path(relative))) if self.fs.exists(self.path(relative)) else 0

    def check(self) -> None:
        """Raise one sentence unless the store can be reached, written and does conditional puts."""
        if self.root_url.startswith("memory:"):
            raise UserError(
                f"store {self.root_url!r} is memory that ends with the process; use a folder or s3://bucket/prefix"
            )
        probe = f"probe/{new_attempt()}"
        try:
            first, second = self.put_if_absent(probe, b"1"), self.put_if_absent(probe, b"2")
            self.delete(probe)
        except (StoreUnavailable, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
            raise UserError(
                f"store {self.root_url!r} cannot be written: {error}; check the address, the bucket and the credentials in "
                "the environment"
            ) from error
        if not first or second:
            raise UserError(
                f"store {self.root_url!r} has no conditional put (a second writer overwrote the first); "
                "use a local folder or an S3 service that honours If-None-Match"
            )

    # -- manifests

    def lookup(self, stage: str, key: str) -> Manifest | None:
        """The committed artifact of this recipe, or None."""
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

    def commit(self, manifest: Manifest) -> Manifest:
        """Make the artifact exist. If another attempt was first, its manifest is returned and ours is dropped."""
        relative = f"{manifest.stage}/{manifest.key}/manifest.json"
        if self.put_if_absent(relative, manifest.to_json().encode()):
            return manifest
        winner = self.lookup(manifest.stage, manifest.key)
        if winner is None:
            raise StoreUnavailable(f"{relative} exists in {self.root_url} but cannot be read")
        return winner

    # -- tables

    def write_table(self, relative: str, table: pa.Table) -> Part:
        """One Parquet file, complete or absent."""
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        data = buffer.getvalue()
        self.write_bytes(relative, data)
        return Part(relative, table.num_rows, len(data))

    def read_table(self, relative: str, columns: list[str] | None = None) -> pa.Table:
        return pq.read_table(pa.BufferReader(self.read_bytes(relative)), columns=columns)

    def tables(self, ref: ArtifactRef) -> Iterator[pa.Table]:
        """The parts of a table artifact, one after the other."""
        manifest = self.manifest_of(ref)
        wanted = manifest.meta.get("wanted")
        seen: set[tuple[str, int]] = set()
        for part in manifest.parts:
            if part.path.endswith(".parquet"):
                table = self.read_table(part.path)
                yield select_wanted(table, wanted, seen) if wanted else table

    def rows(self, ref: ArtifactRef, row_type: type) -> list[Any]:
        """All rows of a table artifact as records; for artifacts of one range's size."""
        return [row for table in self.tables(ref) for row in from_table(table, row_type)]

    def sample_index(self, pool: str) -> Iterator[tuple[str, pa.Table]]:
        """(part, its problem_id / prompt_digest / index columns) of every stored part of a pool, oldest first."""
        for name in self.listdir(f"samples/{pool}"):
            relative = f"samples/{pool}/{name}"
            if not name.endswith(".parquet"):
                continue
            if relative not in self._footers:
                columns = self.read_table(relative, ["problem_id", "prompt_digest", "index"])
                with self._lock:
                    self._footers[relative] = columns
            yield relative, self._footers[relative]

    # -- folders (models, reports)

    def put_folder(self, relative: str, folder: Path) -> list[Part]:
        """Copy a finished folder to its place (local: hard links); returns a part per file. The folder itself stays,

        so that an attempt that is killed between two folders finds both again.
        """
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        parts = [
            Part(f"{relative}/{path.relative_to(folder)}", 0, path.stat().st_size, sha256_of_file(path))
            for path in files
        ]
        with self._reaching(relative):
            if self.is_local:
                target = Path(self.path(relative))
                shutil.copytree(folder, target, copy_function=_link_or_copy)
            else:
                for part, path in zip(parts, files, strict=True):
                    self.fs.put_file(str(path), self.path(part.path))
        return parts

    def fetch(self, relative: str, target: Path) -> None:
        """Copy one object to a local file."""
        with self._reaching(relative):
            self.fs.get_file(self.path(relative), str(target))

    def put_file(self, relative: str, source: Path) -> None:
        """Copy a local file to the store."""
        with self._reaching(relative):
            if self.is_local:
                Path(self.path(relative)).parent.mkdir(parents=True, exist_ok=True)
            self.fs.put_file(str(source), self.path(relative))

    def localize(self, uri: str, digest: str, cache: Path) -> Path:
        """A local folder with the files of a stored folder; downloaded once per digest and checked."""
        if "://" not in uri:
            if not Path(uri).is_dir():
                raise self.gone(uri)
            return Path(uri)
        target = cache / digest
        if target.is_dir():
            return target
        fs, path = fsspec.core.url_to_fs(uri)
        partial = cache / f"{digest}.{secrets.token_hex(4)}.partial"
        with self._reaching(uri):
            files = fs.find(path)
            if not files:
                raise self.gone(uri)
            for remote in files:
                local = partial / remote[len(path) :].lstrip("/")
                local.parent.mkdir(parents=True, exist_ok=True)
                fs.get_file(remote, str(local))
        found = digest_of_folder(partial)
        if found != digest:
            shutil.rmtree(partial, ignore_errors=True)
            raise StoreUnavailable(f"{uri} was read as {found} but should be {digest}; the copy is damaged or changed")
        try:
            partial.rename(target)
        except OSError:  # another thread or process was first
            shutil.rmtree(partial, ignore_errors=True)
        return target

    def gone(self, uri: str) -> UserError:
        """What to say when a policy's weights are wanted and are not there any more."""
        if not uri.startswith((self.uri("finetune/"), self.uri("base/"))):
            return UserError(f"the model {uri} is gone; put it back or correct model.base")
        artifact = uri.rstrip("/").rsplit("/", 2)[0]
        return UserError(
            f"the weights in {uri} are gone (removed by `restem gc`?); delete {artifact} to train them again"
        )

    # -- inside

    @contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        """Turn a file system's own errors into ours; FileNotFoundError passes, it is an answer."""
        try:
            yield
        except (FileNotFoundError, FileExistsError, NotADirectoryError):
            raise
        except PermissionError as error:
            raise UserError(
                f"store {self.root_url!r} refuses {what}: {error}; check the rights or the credentials"
            ) from error
        except OSError as error:
            if error.errno == 28:  # ENOSPC
                raise UserError(
                    f"no space is left in {self.root_url!r} while writing {what}; free some and run again"
                ) from error
            raise StoreUnavailable(f"store {self.root_url!r} did not answer for {what}: {error}") from error
        except Exception as error:
            if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp")):
                raise
            raise StoreUnavailable(f"store {self.root_url!r} did not answer for {what}: {error}") from error

    def _write_temporary(self, relative: str, data: bytes) -> str:
        target = self.path(relative)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = f"{target}.{secrets.token_hex(4)}.tmp"
        try:
            with open(temporary, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError:  # a full disk must not keep the half-written file
            Path(temporary).unlink(missing_ok=True)
            raise
        return temporary

    def _link_if_absent(self, relative: str, data: bytes) -> bool:
        temporary = self._write_temporary(relative, data)
        try:
            os.link(temporary, self.path(relative))
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary)
        return True


class TableWriter:
    """Writes one table artifact part by part; `commit` makes it exist."""

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
        """A file beside the parts; `content`: it is what the artifact says (a score), not about it (a card)."""
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


def _link_or_copy(source: str, target: str) -> None:
    """A hard link where both lie on one file system, else a copy. Model files are never changed in place."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def digest_of_folder(folder: Path) -> str:
    """Identity of a model folder: the names and contents of its files."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return digest_of_files((str(path.relative_to(folder)), sha256_of_file(path)) for path in files)


def select_wanted(table: pa.Table, wanted: dict[str, Any], seen: set[tuple[str, int]]) -> pa.Table:
    """The rows of a samples part that belong to one artifact: its problems, its span of indices.

    `seen` carries the (problem, index) pairs of earlier parts: two runs at once may have drawn the same one, the first counts.
    """
    mask = pc.and_(
        pc.and_(
            pc.is_in(table["problem_id"], value_set=pa.array(wanted["problems"], pa.string())),
            pc.is_in(table["prompt_digest"], value_set=pa.array(wanted["prompts"], pa.string())),
        ),
        pc.and_(pc.greater_equal(table["index"], wanted["start"]), pc.less(table["index"], wanted["stop"])),
    )
    chosen = table.filter(mask)
    pairs = list(zip(chosen["problem_id"].to_pylist(), chosen["index"].to_pylist(), strict=True))
    fresh = [pair not in seen for pair in pairs]
    seen.update(pairs)
    return chosen if all(fresh) else chosen.filter(pa.array(fresh))


def explain(old: dict[str, Any] | None, new: dict[str, Any], limit: int = 4) -> str:
    """Which part of the recipe changed, in words: `sampling.temperature: 0.7 -> 0.8`."""
    if old is None:
        return "first time"
    changes = [f"{name}: {_short(a)} -> {_short(b)}" for name, a, b in _differences(old, new)]
    more = f" and {len(changes) - limit} more" if len(changes) > limit else ""
    return "; ".join(changes[:limit]) + more if changes else "its artifact is not in the store"


def _differences(old: Any, new: Any, prefix: str = "") -> Iterable[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(name), new.get(name), f"{prefix}.{name}" if prefix else name)
    elif old != new:
        yield prefix, old, new


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."

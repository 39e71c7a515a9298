"""Stores objects in a folder or in S3: atomic writes, conditional puts, folders, and one sentence for each kind of failure.

Any fsspec file system with a conditional put works: local folders (hard link) and S3 (If-None-Match, s3fs mode "xb").
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tasks.domain.disk import fault_of
from tasks.domain.errors import StoreUnavailable, UserError
from tasks.domain.fingerprint import digest_of_files, sha256_of_file
from tasks.store.conditional import create, status_of
from tasks.store.manifest import Part, new_attempt

UNFINISHED = re.compile(r"\.[0-9a-f]{8}\.tmp\Z")  # an object that is being written, or whose writer was killed
SERVICE_ERRORS = ("botocore", "aiobotocore", "aiohttp")


class ObjectStore:
    """This store holds objects below `root` (a folder or an fsspec URL). It is safe to use from several threads and processes."""

    def __init__(self, root: str) -> None:
        self.root_url = root
        try:
            self.fs, self.root = fsspec.core.url_to_fs(root)
        except (ImportError, ValueError) as error:
            raise UserError(f"store {root!r} cannot be opened: {error}; use a folder or s3://bucket/prefix") from error
        self.is_local = isinstance(self.fs, LocalFileSystem)
        if root.startswith("s3:") and not self.root.partition("/")[0]:
            raise UserError(f"store {root!r} names no bucket; write s3://bucket/prefix")

    def __reduce__(self) -> tuple[type[ObjectStore], tuple[str]]:
        return type(self), (self.root_url,)

    # -- paths and bytes

    def path(self, relative: str) -> str:
        return f"{self.root.rstrip('/')}/{relative}"

    def uri(self, relative: str) -> str:
        return self.path(relative) if self.is_local else self.fs.unstrip_protocol(self.path(relative))

    def read_bytes(self, relative: str) -> bytes:
        with self._reaching(relative):
            return self.fs.cat_file(self.path(relative))

    def read_json(self, relative: str) -> Any | None:
        """Read the JSON document at this path, or return None where there is none."""
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
        """Write the object only if there is none; of several writers exactly one gets True."""
        if not data:  # s3fs sends an empty object by another call, without the condition
            raise ValueError(f"{relative} would be empty, and an empty object cannot be put on a condition")
        with self._reaching(relative):
            if self.is_local:
                return self._link_if_absent(relative, data)
            return create(self.fs, self.path(relative), data)

    def listdir(self, relative: str) -> list[str]:
        """Return the names directly below a folder, sorted; empty where there is no folder."""
        with self._reaching(relative):
            try:
                names = self.fs.ls(self.path(relative), detail=False, **({} if self.is_local else {"refresh": True}))
            except (FileNotFoundError, NotADirectoryError):
                return []
            found = {name.rstrip("/").rsplit("/", 1)[-1] for name in names if not UNFINISHED.search(name)}
            return sorted(found - {"", relative.rsplit("/", 1)[-1]})

    def walk(self, relative: str) -> list[str]:
        """Return the paths, relative to the root, of all files below a folder, sorted; empty where there is no folder."""
        with self._reaching(relative):
            self.fs.invalidate_cache()
            found = self.fs.find(self.path(relative).rstrip("/"))
        return sorted(path[len(self.root.rstrip("/")) + 1 :] for path in found)

    def delete(self, relative: str) -> None:
        """Remove an object or a folder, also what others have written since it was listed here."""
        with self._reaching(relative):
            self.fs.invalidate_cache()
            if self.fs.exists(self.path(relative)):
                self.fs.rm(self.path(relative), recursive=True)

    def size(self, relative: str) -> int:
        """Return the number of bytes of an object or below a folder, with what others have written since it was listed here."""
        with self._reaching(relative):
            self.fs.invalidate_cache()
            return int(self.fs.du(self.path(relative))) if self.fs.exists(self.path(relative)) else 0

    def check(self) -> None:
        """Raise an error in one sentence unless the store can be reached, can be written and supports conditional puts."""
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
            for part, path in zip(parts, files, strict=True):
                if self.is_local:
                    Path(self.path(part.path)).parent.mkdir(parents=True, exist_ok=True)
                    _link_or_copy(str(path), self.path(part.path))
                else:
                    self.fs.put_file(str(path), self.path(part.path))
        return parts

    def fetch(self, relative: str, target: Path) -> None:
        """Copy one object to a local file."""
        with self._reaching(relative, str(target)):
            self.fs.get_file(self.path(relative), str(target))

    def put_file(self, relative: str, source: Path) -> None:
        """Copy a local file to the store."""
        with self._reaching(relative):
            if self.is_local:
                Path(self.path(relative)).parent.mkdir(parents=True, exist_ok=True)
            self.fs.put_file(str(source), self.path(relative))

    def localize(self, uri: str, digest: str, cache: Path) -> Path:
        """Return a local folder with the files of a stored folder, downloaded once per digest and checked."""
        if "://" not in uri:
            if not Path(uri).is_dir():
                raise self.gone(uri)
            return Path(uri)
        target = cache / digest
        if target.is_dir():
            return target
        fs, path = fsspec.core.url_to_fs(uri)
        partial = cache / f"{digest}.{secrets.token_hex(4)}.partial"
        with self._reaching(uri, str(partial)):
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
        """Return the error for a policy whose weights are wanted but were removed."""
        if not uri.startswith((self.uri("finetune/"), self.uri("base/"))):
            return UserError(f"the model {uri} is gone; put it back or correct model.base")
        artifact = uri.rstrip("/").rsplit("/", 2)[0]
        return UserError(
            f"the weights in {uri} are gone (removed by `restem gc`?); delete {artifact} to train them again"
        )

    # -- inside

    @contextmanager
    def _reaching(self, what: str, place: str = "") -> Iterator[None]:
        """Turn a file system's own errors into ours; FileNotFoundError passes, because it is an answer. `place` is where is written."""
        try:
            yield
        except (FileNotFoundError, FileExistsError, NotADirectoryError):
            raise
        except PermissionError as error:
            raise UserError(
                f"store {self.root_url!r} refuses {what}: {error}; check the rights, the credentials and this machine's clock"
            ) from error
        except Exception as error:
            if (fault := fault_of(error)) is not None:
                raise UserError(fault.sentence(place or f"{self.root_url}/{what}")) from error
            if status_of(error) == HTTPStatus.INSUFFICIENT_STORAGE:
                raise UserError(
                    f"no space is left in store {self.root_url!r} for {what}; free some space and run again"
                ) from error
            if not isinstance(error, OSError) and not type(error).__module__.startswith(SERVICE_ERRORS):
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


def _link_or_copy(source: str, target: str) -> None:
    """Make a hard link where both lie on one file system, else a copy. Model files are never changed in place."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def digest_of_folder(folder: Path) -> str:
    """Return the digest of a model folder: the names and contents of its files."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return digest_of_files((str(path.relative_to(folder)), sha256_of_file(path)) for path in files)

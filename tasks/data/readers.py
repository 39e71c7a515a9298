"""Reads raw records from files, folders, fsspec URLs and Hub data sets, each with its place for error messages."""

from __future__ import annotations

import csv
import io
import json
import os
import posixpath
from collections.abc import Callable, Iterator
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import has_magic

from tasks.domain.drafts import Record
from tasks.domain.errors import UserError

SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")
COMPRESSIONS = (".gz", ".bz2", ".xz")


def records_of_path(path: str, split: str) -> list[Record]:
    """Read the records of a file, of the files that a pattern (`part-*.parquet`) names, or of a folder.

    Of a folder its files named after the split are read where there are some, else all of them.
    """
    return [
        record
        for name, content in _contents(path, split)
        for record in PARSERS[_suffix(name)](content, posixpath.basename(name).removesuffix(_compression(name)))
    ]


def _contents(path: str, split: str) -> list[tuple[str, bytes]]:
    """Yield (file, bytes) of everything to parse. Storage drivers raise errors of their own kinds: this is their boundary."""
    try:
        filesystem, root = fsspec.core.url_to_fs(path)
        return [(file, _bytes(filesystem, file)) for file in _files(filesystem, root, path, split)]
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}: {error}); expected a file or folder that this machine may read. "
            "s3:// needs the s3 extra and credentials, other URLs their fsspec package."
        ) from error


def records_of_hub(name: str, split: str, revision: str | None) -> list[Record]:
    """Read the records of a Hub data set, `NAME` or `NAME:CONFIG`."""
    import datasets

    repo, _, config = name.partition(":")
    try:
        rows = datasets.load_dataset(repo, config or None, split=split, revision=revision)
    except (
        ValueError,
        RuntimeError,
        OSError,
    ) as error:  # unknown split or config, script-based, not found or no network
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise UserError(
            f"Hub data set {name!r}, split {split!r}, cannot be loaded ({reason}); check the name, the split and the network, "
            "or set path to a downloaded file (data sets made by a script no longer load)."
        ) from error
    return [Record(dict(row), f"{name} {split} row {number}") for number, row in enumerate(rows, start=1)]


def _files(filesystem: Any, root: str, path: str, split: str) -> list[str]:
    if not filesystem.exists(root) and has_magic(root):
        return _matching(filesystem, root, path)
    if not filesystem.exists(root):
        where = "" if "://" in path or os.path.isabs(path) else f" in {os.getcwd()}, where the command runs"
        raise UserError(
            f"{path} does not exist{where}; expected a file or folder with problems ({', '.join(SUFFIXES)})."
        )
    if not filesystem.isdir(root):
        return [root]
    files = sorted(file for file in filesystem.find(root) if _suffix(file) in SUFFIXES)
    if not files:
        raise UserError(f"The folder {path} holds no {', '.join(SUFFIXES)} file; set path to one that does.")
    named = [file for file in files if posixpath.basename(file).startswith(split)]
    return named or files


def _matching(filesystem: Any, root: str, path: str) -> list[str]:
    """Return the files that a pattern names, in the order of their names."""
    files = sorted(file for file in filesystem.glob(root) if filesystem.isfile(file))
    if not files:
        raise UserError(f"{path} matches no file; expected a pattern of files with problems ({', '.join(SUFFIXES)}).")
    return files


def _suffix(file: str) -> str:
    return posixpath.splitext(file.removesuffix(_compression(file)))[1].lower()


def _compression(file: str) -> str:
    return next((ending for ending in COMPRESSIONS if file.endswith(ending)), "")


def _bytes(filesystem: Any, file: str) -> bytes:
    if _suffix(file) not in SUFFIXES:
        raise UserError(f"{file} has no known ending; expected one of {', '.join(SUFFIXES)}.")
    with filesystem.open(file, "rb", compression="infer") as stream:
        content: bytes = stream.read()
        return content


def _jsonl(content: bytes, name: str) -> Iterator[Record]:
    for number, line in enumerate(_text(content, name).split("\n"), start=1):
        if line.strip():
            where = f"{name} line {number}"
            yield _record(_parsed(line, where), where)


def _json(content: bytes, name: str) -> Iterator[Record]:
    """Read a list of records; a file that starts like an object but is not one is read line by line."""
    text = _text(content, name)
    if not text.lstrip().startswith("["):
        yield from _jsonl(content, name)
        return
    for number, row in enumerate(_parsed(text, name), start=1):
        where = f"{name} record {number}"
        yield _record(row, where)


def _csv(content: bytes, name: str) -> Iterator[Record]:
    rows = csv.DictReader(io.StringIO(_text(content, name), newline=""), restkey="")
    for row in rows:
        where = f"{name} line {rows.line_num}"
        if "" in row:
            raise UserError(f"{where} has more cells than the header names; quote cells that hold a comma.")
        yield Record({key: value or None for key, value in row.items()}, where)


def _parquet(content: bytes, name: str) -> Iterator[Record]:
    try:
        rows = pq.read_table(io.BytesIO(content)).to_pylist()
    except pa.ArrowInvalid as error:
        raise UserError(f"{name} is not a readable Parquet file ({error}).") from error
    for number, row in enumerate(rows, start=1):
        yield Record(row, f"{name} row {number}")


PARSERS: dict[str, Callable[[bytes, str], Iterator[Record]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
}


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not UTF-8 text (byte {error.start}); convert it first.") from error


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{where} is not JSON ({error.msg} at column {error.colno}); repair or remove it.") from error


def _record(value: Any, where: str) -> Record:
    if not isinstance(value, dict):
        raise UserError(f"{where} is a JSON {type(value).__name__}, expected an object with named columns.")
    return Record(value, where)

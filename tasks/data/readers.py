"""Reads raw records from files, folders, fsspec URLs and Hub data sets, each with its place for error messages."""

from __future__ import annotations

import csv
import io
import json
import os
import posixpath
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import has_magic

from tasks.domain.drafts import Record
from tasks.domain.errors import UserError, one_sentence

SUFFIXES = (".jsonl", ".json", ".csv", ".parquet", ".arrow")
COMPRESSIONS = (".gz", ".bz2", ".xz")
SPLITS = ("train", "test", "val", "valid", "validation", "dev")
# What `datasets` writes beside the rows of a folder: their description, and caches of what was computed from them.
BESIDE = re.compile(r"(dataset_infos?|dataset_dict|state)\.json|cache-.*\.arrow")
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # where one half lacks the other, no file can hold the text
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def records_of_path(path: str, split: str) -> list[Record]:
    """Read the records of a file, of the files that a pattern (`part-*.parquet`) names, or of a folder.

    Of a folder its files named after the split are read, or those in folders named so; all of them where no name tells a split.
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
        hub = f", or hf:{path} for a data set of the Hub" if HUB_ID.fullmatch(path) else ""
        raise UserError(
            f"{path} does not exist{where}; expected a file or folder with problems ({', '.join(SUFFIXES)}){hub}."
        )
    if not filesystem.isdir(root):
        return [root]
    files = sorted(
        file
        for file in filesystem.find(root)
        if _suffix(file) in SUFFIXES and not BESIDE.fullmatch(posixpath.basename(file))
    )
    if not files:
        raise UserError(f"The folder {path} holds no {', '.join(SUFFIXES)} file; set path to one that does.")
    return _of_split({file: file.removeprefix(root) for file in files}, path, split)


def _of_split(files: dict[str, str], path: str, split: str) -> list[str]:
    """Return the files of a folder that belong to the split, given as file -> name within the folder."""
    if named := [file for file in files if posixpath.basename(file).startswith(split)]:
        return named
    words = {file: re.split(r"[^a-z0-9]+", name.lower()) for file, name in files.items()}
    if named := [file for file in files if any(word.startswith(split.lower()) for word in words[file])]:
        return named
    others = sorted({word for found in words.values() for word in found if word in SPLITS})
    if others:
        raise UserError(
            f"The folder {path} holds files of {', '.join(others)} and none of {split}; set split to one of them, or path to a file."
        )
    return list(files)


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
        raise UserError(
            f"{file} has no known ending; expected one of {', '.join(SUFFIXES)}, or these packed as {', '.join(COMPRESSIONS)}."
        )
    with filesystem.open(file, "rb", compression="infer") as stream:
        content: bytes = stream.read()
        return content


def _jsonl(content: bytes, name: str) -> Iterator[Record]:
    text = _text(content, name)
    if re.match(r"\s*\[\s*\{", text):  # a list of records under the name of lines
        yield from _json(content, name)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{name} line {number}"
            yield _record(_parsed(line, where), where)


def _json(content: bytes, name: str) -> Iterator[Record]:
    """Read a list of records; a file that starts like an object but is not one is read line by line."""
    text = _text(content, name)
    if not text.lstrip().startswith("["):
        _refuse_one_object(text, name)
        yield from _jsonl(content, name)
        return
    for number, row in enumerate(_parsed(text, name), start=1):
        where = f"{name} record {number}"
        yield _record(row, where)


def _refuse_one_object(text: str, name: str) -> None:
    """Refuse an object over several lines: its records lie inside of it, if it holds any."""
    if "\n" not in text.strip():
        return
    try:
        fields = ", ".join(json.loads(text))
    except (ValueError, RecursionError):
        return
    raise UserError(
        f"{name} is one JSON object ({fields}), expected a list of records or one record a line; take the list out of it."
    )


def _csv(content: bytes, name: str) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)  # the module's own limit is 128 KiB
    rows = csv.DictReader(io.StringIO(_text(content, name), newline=""))
    twice = {column for column in rows.fieldnames or () if (rows.fieldnames or []).count(column) > 1}
    if twice:
        raise UserError(f"{name} names the column {min(twice)!r} more than once; rename or remove one.")
    try:
        for row in rows:
            where = f"{name} line {rows.line_num}"
            if None in row:
                raise UserError(f"{where} has more cells than the header names; quote cells that hold a comma.")
            yield Record({key: value or None for key, value in row.items()}, where)
    except csv.Error as error:
        raise UserError(f"{name} line {rows.line_num} is not CSV ({error}); repair or remove it.") from error


def _parquet(content: bytes, name: str) -> Iterator[Record]:
    return _rows_of(lambda: pq.read_table(io.BytesIO(content)), "Parquet", name)


def _arrow(content: bytes, name: str) -> Iterator[Record]:
    """Read what `save_to_disk` of datasets writes (a stream), or an Arrow file."""
    if content.startswith(b"ARROW1"):
        return _rows_of(lambda: pa.ipc.open_file(content).read_all(), "Arrow", name)
    return _rows_of(lambda: pa.ipc.open_stream(content).read_all(), "Arrow", name)


def _rows_of(read: Callable[[], pa.Table], kind: str, name: str) -> Iterator[Record]:
    try:
        table = read()
        rows = table.to_pylist(maps_as_pydicts="lossy")
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise UserError(f"{name} is not a readable {kind} file ({one_sentence(error)}).") from error
    twice = {column for column in table.column_names if table.column_names.count(column) > 1}
    if twice:
        raise UserError(f"{name} names the column {min(twice)!r} more than once; rename or remove one.")
    for number, row in enumerate(rows, start=1):
        yield Record(row, f"{name} row {number}")


PARSERS: dict[str, Callable[[bytes, str], Iterator[Record]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".arrow": _arrow,
}


def _text(content: bytes, name: str) -> str:
    if 0 in content[:4]:
        raise UserError(f"{name} is not UTF-8 text (every other byte is empty, as in UTF-16); convert it first.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not UTF-8 text (byte {error.start}); convert it first.") from error


def _parsed(text: str, where: str) -> Any:
    try:
        value = json.loads(text)
        if HALF_CHARACTER.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        raise UserError(
            f"{where} is not JSON ({error.msg} at column {error.colno}); a record of a .jsonl file is one line: repair or remove it."
        ) from error
    except (
        ValueError,
        RecursionError,
    ) as error:  # half a character, a number of more than 4300 digits, too many brackets
        raise UserError(
            f"{where} cannot be read ({one_sentence(error)}); write it as text, or leave it out."
        ) from error


def _record(value: Any, where: str) -> Record:
    if not isinstance(value, dict):
        raise UserError(f"{where} is a JSON {type(value).__name__}, expected an object with named columns.")
    return Record(value, where)

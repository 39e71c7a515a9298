"""The Parquet files of an exported data set: a config and a split each, written piece by piece."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class DataFile:
    """One file of the data set, relative to its folder, and the config and the split that it is."""

    config: str
    split: str
    path: str
    rows: int


class DataFiles:
    """The files of a data set while they are written; one that got no row does not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[DataFile] = []
        self._writers: dict[tuple[str, str], pq.ParquetWriter] = {}
        self._rows: dict[tuple[str, str], int] = {}
        self._closing = ExitStack()

    def __enter__(self) -> DataFiles:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()
        self.written = [DataFile(*name, _path(*name), rows) for name, rows in self._rows.items()]

    def add(self, config: str, split: str, table: pa.Table) -> None:
        """Append rows to the file of a config's split."""
        if not table.num_rows:
            return
        name = (config, split)
        if name not in self._writers:
            path = self.folder / _path(config, split)
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            self._writers[name] = self._closing.enter_context(writer)
        self._writers[name].write_table(table.cast(self._writers[name].schema))
        self._rows[name] = self._rows.get(name, 0) + table.num_rows


def _path(config: str, split: str) -> str:
    return f"{config}/{split}.parquet"

"""The indexes of one store: found in scratch, or built in a thread while the page says how far it is."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from flows.stored.trace import RunRecords
from flows.viewer.index import Built, build, connect, index_key, read_built
from flows.viewer.queries import Samples
from tasks.domain.errors import RestemError, UserError, one_sentence
from tasks.domain.fingerprint import digest_of
from tasks.store.artifacts import Store

log = logging.getLogger("restem")

WAIT_S = 4.0  # a small run's index is there by then; of a larger one the page shows how far it is
LOOK_AGAIN_S, LOOK_AGAIN_REMOTE_S = 3.0, 60.0  # whether the run went on; remote stores ask for every recipe


@dataclass(frozen=True)
class Building:
    """An index that is not there yet."""

    done: int
    of: int


class _Work:
    """One build in its thread."""

    def __init__(self, records: RunRecords, path: Path, key: str) -> None:
        self.key, self.done, self.of = key, 0, 0
        self.built: Built | None = None
        self.error = ""
        self._job = (records, path)
        self.thread = threading.Thread(target=self._run, name=f"index {records.name}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.built = build(*self._job, self.key, self._progress)
        except RestemError as error:
            self.error = one_sentence(error)
        except Exception as error:  # boundary: a thread's error would be lost, and the page would wait for ever
            log.exception("the index of %s could not be built", self._job[0].name)
            self.error = f"the index could not be built: {one_sentence(error)}"

    def _progress(self, done: int, of: int) -> None:
        self.done, self.of = done, of


class Shelf:
    """Keeps one open index a run. It is safe to use from several threads."""

    def __init__(self, store: Store, scratch: Path) -> None:
        self.store = store
        self.folder = scratch / "viewer" / digest_of(store.root_url)[:12]
        self._open: dict[str, Samples] = {}
        self._looked: dict[str, tuple[float, str]] = {}
        self._work: dict[str, _Work] = {}
        self._lock = threading.Lock()

    def samples(self, run: str, wait_s: float = WAIT_S) -> Samples | Building:
        """Return the run's samples as they are in the store now; while their index is built, an earlier one or how far it is."""
        with self._lock:
            key = self._key(run)
            ready = self._open.get(run)
            if ready is not None and ready.built.key == key:
                return ready
            path = self.folder / run / f"{key}.duckdb"
            if path.is_file():
                return self._take(run, read_built(path, key))
            work = self._work.get(run)
            if work is None or (work.key != key and not work.thread.is_alive()):
                work = self._work[run] = _Work(RunRecords(self.store, run), path, key)
        work.thread.join(0 if ready is not None else wait_s)
        if work.thread.is_alive():
            return ready if ready is not None else Building(work.done, work.of)
        with self._lock:
            self._work.pop(run, None)
            if work.built is None:
                raise UserError(work.error)
            return self._take(run, work.built)

    def discard(self, run: str) -> None:
        """Remove what is indexed of a run, because it cannot be read; it is built again when it is asked for."""
        with self._lock:
            opened = self._open.pop(run, None)
            if opened is not None:
                opened.close()
            for path in (self.folder / run).glob("*.duckdb"):
                path.unlink(missing_ok=True)

    def _key(self, run: str) -> str:
        again_s = LOOK_AGAIN_S if self.store.is_local else LOOK_AGAIN_REMOTE_S
        when, key = self._looked.get(run, (0.0, ""))
        if not key or time.monotonic() - when > again_s:
            key = index_key(RunRecords(self.store, run))
            self._looked[run] = (time.monotonic(), key)
        return key

    def _take(self, run: str, built: Built) -> Samples:
        """Open an index and remove older ones of the run; a process that still reads one keeps it until it closes it."""
        self._open[run] = Samples(built, connect(built.path, read_only=True))
        for old in built.path.parent.glob("*.duckdb"):
            if old != built.path:
                old.unlink(missing_ok=True)
        return self._open[run]

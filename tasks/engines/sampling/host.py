"""The engine of one flow process: started when first needed, shared by threads, restarted when it dies.

Many threads may serve the same policy at once; a thread that wants another policy waits until they are done, and those
that come after it wait behind it, so that no policy starves. Within `serving` do not enter `serving` again.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.domain.errors import EngineDied, PolicyNotProved
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.choose import engine_class, kind_at_hand, make_engine
from tasks.engines.sampling.engine import Drawn, DrawRequest, Engine, OnProgress

logger = logging.getLogger(__name__)

RESTARTS_WITHOUT_PROGRESS = 3

Localize = Callable[[Policy], Path]


class Session:
    """The right of one thread to sample from the policy that is served now."""

    def __init__(self, host: EngineHost) -> None:
        self._host = host

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        """As `Engine.sample`, but an engine that dies is restarted and only unfinished requests are sent again."""
        pending = dict(enumerate(requests))
        while pending:
            life = self._host.life
            numbers = {id(request): number for number, request in pending.items()}
            try:
                for request, completions in self._host.engine.sample(list(pending.values()), sampling, on_progress):
                    del pending[numbers[id(request)]]
                    self._host.note_progress()
                    yield request, completions
            except EngineDied as death:
                self._host.revive(life, death)

    def identity(self) -> dict[str, Any]:
        """Return the engine's kind and versions."""
        return self._host.engine.identity()


class EngineHost:
    """Owns one engine. `localize` gives the local folder of a policy's files."""

    def __init__(self, settings: EngineSettings, localize: Localize, log_dir: Path) -> None:
        self.settings, self.localize, self.log_dir = settings, localize, log_dir
        self.life = 0  # counts restarts, so that many threads that saw one death restart once
        self._restarts = 0
        self._engine: Engine | None = None
        self._policy: Policy | None = None  # None: nothing proved to be served
        self._active = 0
        self._queue: list[object] = []
        self._turn = threading.Condition()
        self._revival = threading.Lock()

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = make_engine(self.settings, self.log_dir)
        return self._engine

    @contextmanager
    def serving(self, policy: Policy) -> Iterator[Session]:
        """Yield a session with `policy` loaded and proved; it waits for threads that sample from another policy."""
        self._enter(policy)
        try:
            yield Session(self)
        finally:
            self._leave()

    def release(self) -> None:
        """Release device memory, as residency says, once no thread samples any more."""
        with self._head_of_queue(lambda: self._active == 0):
            if self._engine is not None:
                self._engine.release()
                self._policy = None

    def close(self) -> None:
        """End the engine, sampling or not."""
        engine, self._engine, self._policy = self._engine, None, None
        if engine is not None:
            engine.close()

    def note_progress(self) -> None:
        self._restarts = 0

    def revive(self, life: int, death: EngineDied) -> None:
        """Restart after `death` seen in that `life` of the engine; the current policy is loaded and proved again."""
        with self._revival:
            if self.life != life:
                return  # another thread has done it
            try:
                self._revive(death)
            finally:
                self.life += 1

    def _revive(self, death: EngineDied) -> None:
        policy, self._policy = self._policy, None
        while policy is not None and self._restarts < RESTARTS_WITHOUT_PROGRESS:
            self._restarts += 1
            logger.warning("%s; restart %d of %d", death, self._restarts, RESTARTS_WITHOUT_PROGRESS)
            try:
                self._restart(policy)
            except (EngineDied, PolicyNotProved) as error:
                death = EngineDied(str(error))
            else:
                self._policy = policy
                return
        raise death

    def _restart(self, policy: Policy) -> None:
        self.engine.close()
        self.engine.serve(policy, self._path(policy))

    def _path(self, policy: Policy) -> Path | None:
        needed = engine_class(kind_at_hand(self.settings.kind)).needs_files
        return self.localize(policy) if needed else None

    def _enter(self, policy: Policy) -> None:
        with self._head_of_queue(lambda: self._active == 0 or self._serves(policy)):
            if not self._serves(policy):
                self._policy = None
                self.engine.serve(policy, self._path(policy))
                self._policy, self._restarts = policy, 0
            with self._turn:
                self._active += 1

    def _leave(self) -> None:
        with self._turn:
            self._active -= 1
            self._turn.notify_all()

    def _serves(self, policy: Policy) -> bool:
        return self._policy is not None and self._policy.digest == policy.digest

    @contextmanager
    def _head_of_queue(self, ready: Callable[[], bool]) -> Iterator[None]:
        """Run the body once `ready` holds and no thread waits before us; others wait until it is done (first come, first served)."""
        ticket = object()
        with self._turn:
            self._queue.append(ticket)
        try:
            with self._turn:
                self._turn.wait_for(lambda: self._queue[0] is ticket and ready())
            yield
        finally:
            with self._turn:
                self._queue.remove(ticket)
                self._turn.notify_all()


_hosts: dict[str, EngineHost] = {}
_hosts_lock = threading.Lock()


def host_for(settings: EngineSettings, localize: Localize, log_dir: Path) -> EngineHost:
    """Return the process's host for these settings; `localize` and `log_dir` of the latest call are used."""
    with _hosts_lock:
        key = settings.model_dump_json()
        if key not in _hosts:
            _hosts[key] = EngineHost(settings, localize, log_dir)
        _hosts[key].localize, _hosts[key].log_dir = localize, log_dir
        return _hosts[key]


def release_all(settings: EngineSettings | None = None) -> None:
    """Make every engine of this process release its device memory, because they share the devices with a trainer.

    `settings` is accepted for the caller's readability; engines with other settings hold the same devices.
    """
    for host in list(_hosts.values()):
        host.release()


def close_all() -> None:
    """End every engine of this process."""
    with _hosts_lock:
        hosts = list(_hosts.values())
        _hosts.clear()
    for host in hosts:
        host.close()


atexit.register(close_all)

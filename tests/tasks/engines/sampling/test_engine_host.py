"""The host: one policy at a time, shared by threads; restarts that resend only what is unfinished."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tasks.domain.errors import EngineDied, PolicyNotProved
from tasks.domain.schema import Completion, Policy, Sampling
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling import host as host_module
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import RESTARTS_WITHOUT_PROGRESS, EngineHost
from tests.tasks.processes.test_guard import wait_until

A, B = Policy("a" * 16, "/a", "a"), Policy("b" * 16, "/b", "b")
SAMPLING = Sampling()


@dataclass
class ScriptedEngine:
    """Answers with the served policy's name; dies after `lives[0]` answers, then after `lives[1]`, and so on."""

    lives: list[int] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    refuses: int = 0  # so many of the next `serve` calls fail
    alive: bool = False

    def serve(self, policy, path):
        if self.refuses:
            self.refuses -= 1
            raise PolicyNotProved("not proved")
        self.served.append(policy.name)
        self.alive = True

    def sample(self, requests, sampling, on_progress=None):
        for request in requests:
            if not self.alive or (self.lives and self.lives[0] == 0):
                self.alive = False
                self.lives = self.lives[1:] if self.lives and self.lives[0] == 0 else self.lives
                raise EngineDied("killed")
            self.lives = [self.lives[0] - 1, *self.lives[1:]] if self.lives else []
            self.sent.append(request.problem_id)
            yield request, tuple(Completion(self.served[-1], "stop", None, 1, 1) for _ in request.indices)

    def release(self):
        self.alive = False

    def close(self):
        self.alive = False

    def identity(self):
        return {"kind": "scripted"}


def host_of(engine) -> EngineHost:
    host = EngineHost(EngineSettings(), lambda policy: Path(policy.uri), Path())
    host._engine = engine
    return host


def requests(count):
    return [DrawRequest(f"p{number}", "?", (0, 1)) for number in range(count)]


def test_a_policy_is_loaded_once_for_all_its_sessions():
    engine = ScriptedEngine()
    host = host_of(engine)
    for policy in (A, A, B, B, A):
        with host.serving(policy) as session:
            assert [c.text for _, row in session.sample(requests(1), SAMPLING) for c in row] == [policy.name] * 2
    assert engine.served == ["a", "b", "a"]


def test_released_weights_are_loaded_again():
    engine = ScriptedEngine()
    host = host_of(engine)
    with host.serving(A):
        pass
    host.release()
    with host.serving(A) as session:
        assert len(list(session.sample(requests(2), SAMPLING))) == 2
    assert engine.served == ["a", "a"]


def test_after_a_death_only_unfinished_requests_are_sent_to_the_same_policy():
    engine = ScriptedEngine(lives=[3, 2])
    with host_of(engine).serving(A) as session:
        drawn = [request.problem_id for request, _ in session.sample(requests(8), SAMPLING)]
    assert drawn == engine.sent == [f"p{number}" for number in range(8)]
    assert engine.served == ["a", "a", "a"]


def test_restarts_without_progress_are_bounded():
    engine = ScriptedEngine(lives=[2] + [0] * 100)
    host = host_of(engine)
    with pytest.raises(EngineDied, match="killed"), host.serving(A) as session:
        list(session.sample(requests(5), SAMPLING))
    assert engine.served == ["a"] * (1 + RESTARTS_WITHOUT_PROGRESS)


def test_a_restart_that_cannot_prove_its_policy_counts_as_one():
    engine = ScriptedEngine(lives=[1])
    host = host_of(engine)
    with host.serving(A) as session:
        engine.refuses = RESTARTS_WITHOUT_PROGRESS - 1
        assert len(list(session.sample(requests(4), SAMPLING))) == 4
        engine.lives, engine.refuses = [1, 1], RESTARTS_WITHOUT_PROGRESS
        with pytest.raises(EngineDied, match="not proved"):
            list(session.sample(requests(4), SAMPLING))


def test_a_host_that_gave_up_starts_over_when_it_is_asked_again():
    engine = ScriptedEngine(lives=[0] * (1 + RESTARTS_WITHOUT_PROGRESS))
    host = host_of(engine)
    with pytest.raises(EngineDied), host.serving(A) as session:
        list(session.sample(requests(2), SAMPLING))
    with host.serving(A) as session:
        assert len(list(session.sample(requests(2), SAMPLING))) == 2


def test_a_thread_that_wants_another_policy_waits_and_later_ones_wait_behind_it():
    engine = ScriptedEngine()
    host = host_of(engine)
    order: list[str] = []

    def work(name, policy):
        with host.serving(policy):
            order.append(name)

    with host.serving(A):
        threads = []
        for name, policy in (("b", B), ("late a", A)):
            threads.append(threading.Thread(target=work, args=(name, policy)))
            threads[-1].start()
            wait_until(lambda: len(host._queue) == len(threads))
        assert order == []
    for thread in threads:
        thread.join()
    assert order == ["b", "late a"]
    assert engine.served == ["a", "b", "a"]


def test_many_threads_seeing_one_death_restart_once():
    engine = ScriptedEngine()
    host = host_of(engine)
    with host.serving(A):
        life = host.life
        threads = [threading.Thread(target=host.revive, args=(life, EngineDied("killed"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert engine.served == ["a", "a"]


def test_equal_settings_share_one_host_until_all_are_closed(tmp_path):
    settings = EngineSettings(kind="replay", replay_path=str(tmp_path))
    first = host_module.host_for(settings, lambda policy: tmp_path, tmp_path)
    assert (
        host_module.host_for(EngineSettings(kind="replay", replay_path=str(tmp_path)), lambda p: tmp_path, tmp_path)
        is first
    )
    assert host_module.host_for(settings.model_copy(update={"seed": 1}), lambda p: tmp_path, tmp_path) is not first
    host_module.close_all()
    assert host_module.host_for(settings, lambda policy: tmp_path, tmp_path) is not first

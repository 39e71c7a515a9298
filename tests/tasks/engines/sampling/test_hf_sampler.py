"""The transformers fallback has the server's semantics."""

import os
import signal
from pathlib import Path

import pytest

from tasks.domain.errors import UserError
from tasks.domain.schema import Sampling
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    settings = EngineSettings(kind="hf", max_in_flight=8)
    running = EngineHost(settings, lambda policy: Path(policy.uri), tmp_path_factory.mktemp("hf"))
    yield running
    running.close()


def test_draws_counts_and_lengths(host, tiny_policy):
    wanted = [DrawRequest(f"p{n}", "1" * n + "=", tuple(range(3))) for n in range(1, 6)]
    with host.serving(tiny_policy(1)) as session:
        drawn = dict(session.sample(wanted, Sampling(max_tokens=10)))
    assert [drawn[one][0].prompt_tokens for one in wanted] == [3, 4, 5, 6, 7]  # <s>, ones, =
    every = [one for row in drawn.values() for one in row]
    assert len({one.text for one in every}) > 10
    assert all(one.completion_tokens == 10 for one in every if one.finish_reason == "length")
    assert all(one.completion_tokens <= 10 for one in every)


def test_stop_strings_are_cut_off_and_named(host, tiny_policy):
    sampling = Sampling(temperature=1.5, top_k=0, max_tokens=200, stop=("7", "a"))
    with host.serving(tiny_policy(1)) as session:
        [(_, row)] = session.sample([DrawRequest("p", "1=", tuple(range(8)))], sampling)
    stopped = [one for one in row if one.stop_reason is not None]
    assert stopped
    assert all(one.stop_reason in ("7", "a") and one.finish_reason == "stop" for one in stopped)
    assert not any(set(one.text) & {"7", "a"} for one in row)
    assert all(len(one.text) < one.completion_tokens <= 200 for one in stopped)


def test_greedy_is_deterministic_and_the_policy_is_the_one_asked_for(host, tiny_policy):
    texts = []
    for seed in (1, 2, 1):
        with host.serving(tiny_policy(seed)) as session:
            [(_, row)] = session.sample([DrawRequest("p", "12=", (0, 1))], Sampling(temperature=0.0, max_tokens=12))
        assert row[0] == row[1]
        texts.append(row[0].text)
    assert texts[0] == texts[2] != texts[1]


def test_too_long_a_prompt_names_its_problem(host, tiny_policy):
    with (
        host.serving(tiny_policy(1)) as session,
        pytest.raises(UserError, match="problem p-long: its prompt has 301 tokens"),
    ):
        list(session.sample([DrawRequest("p-long", "1" * 300, (0,))], Sampling(max_tokens=5)))


@pytest.mark.heavy
def test_a_killed_sampler_is_restarted(host, tiny_policy):
    with host.serving(tiny_policy(2)) as session:
        stream = session.sample([DrawRequest(f"p{n}", "1=", tuple(range(8))) for n in range(3)], Sampling(max_tokens=5))
        next(stream)
        os.kill(host.engine._child._process.pid, signal.SIGKILL)
        assert len(list(stream)) == 2

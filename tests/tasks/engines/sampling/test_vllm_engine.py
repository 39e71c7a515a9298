"""The real vLLM server: sampling, weights exchanged in place and proved, death in mid-generation."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.domain.errors import PolicyNotProved, UserError
from tasks.domain.schema import Sampling
from tasks.engines.sampling.checkpoint import read_checkpoint
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.proof import prove
from tasks.processes import guard
from tests.tasks.processes.test_guard import alive, wait_until

pytestmark = [pytest.mark.heavy, pytest.mark.engine]

GREEDY = Sampling(temperature=0.0, top_k=0, max_tokens=12)


def requests(count, draws=2):
    return [DrawRequest(f"p{number}", f"{number}+1=", tuple(range(draws))) for number in range(count)]


def greedy(session, prompt="12+34="):
    [(_, [completion])] = session.sample([DrawRequest("p", prompt, (0,))], GREEDY)
    return completion


def test_each_request_gets_its_completions_with_exact_token_counts(vllm_engine, tiny_policy):
    seen = []
    with vllm_engine.serving(tiny_policy(1)) as session:
        drawn = dict(session.sample(requests(20, 3), Sampling(max_tokens=16), lambda *now: seen.append(now)))
    assert set(drawn) == set(requests(20, 3))
    completions = [one for row in drawn.values() for one in row]
    assert len({one.text for one in completions}) > 30  # draws differ
    assert all(one.prompt_tokens in (5, 6) for one in completions)  # <s> and a character each
    assert all(one.completion_tokens == 16 for one in completions if one.finish_reason == "length")
    assert all(one.completion_tokens <= 16 for one in completions)
    assert [sum(column) for column in zip(*seen, strict=True)] == [
        60,
        sum(one.completion_tokens for one in completions),
    ]


def test_stop_strings_end_a_completion_and_are_cut_off(vllm_engine, tiny_policy):
    with vllm_engine.serving(tiny_policy(1)) as session:
        [(_, completions)] = session.sample(
            [DrawRequest("p", "1+1=", tuple(range(8)))],
            Sampling(temperature=1.5, top_k=0, max_tokens=200, stop=("7", "a")),
        )
    stopped = [one for one in completions if one.stop_reason is not None]
    assert stopped
    assert all(one.finish_reason == "stop" and one.stop_reason in ("7", "a") for one in stopped)
    assert not any(set(one.text) & {"7", "a"} for one in completions)


def test_greedy_is_deterministic_and_differs_between_policies(vllm_engine, tiny_policy):
    texts = {}
    for seed in (1, 2, 1, 2):
        with vllm_engine.serving(tiny_policy(seed)) as session:
            texts.setdefault(seed, set()).add(greedy(session).text)
    assert len(texts[1]) == len(texts[2]) == 1
    assert texts[1] != texts[2]


def test_new_weights_are_loaded_without_a_restart(vllm_engine, tiny_policy):
    with vllm_engine.serving(tiny_policy(1)):
        pid = vllm_engine.engine._process.child.pid
    with vllm_engine.serving(tiny_policy(3)) as session:
        assert session.identity()["proof_rms_nats"] < 1e-4
    assert vllm_engine.engine._process.child.pid == pid
    assert vllm_engine.engine.timings_s["reload"] < 10


def test_a_planted_wrong_checkpoint_is_caught(vllm_engine, tiny_policy, tiny_llama):
    """The server serves 1 and is told that 2 was loaded."""
    with vllm_engine.serving(tiny_policy(1)):
        engine = vllm_engine.engine
        tokens = engine._probe(read_checkpoint(tiny_llama(1)))
        expected = lambda path, ids: engine._forward.prompt_logprobs(path, "float32", ids)  # noqa: E731
        ask = engine._client.prompt_logprobs
        prove(tiny_policy(1), tiny_llama(1), tiny_llama(2), ask, expected=expected, tokens=tokens)
        with pytest.raises(PolicyNotProved, match="tiny-2"):
            prove(tiny_policy(2), tiny_llama(2), tiny_llama(1), ask, expected=expected, tokens=tokens)


def test_a_reload_that_kept_the_old_weights_ends_in_a_restart_with_the_right_ones(vllm_engine, tiny_policy, tiny_llama):
    with vllm_engine.serving(tiny_policy(1)):
        engine, pid = vllm_engine.engine, vllm_engine.engine._process.child.pid
    call = engine._client.call

    def ignores_reload(method, path, body=None, timeout_s=None):
        if path == "//collective_rpc":
            body = {**body, "kwargs": {"weights_path": str(tiny_llama(1))}}
        return call(method, path, body, timeout_s)

    engine._client.call = ignores_reload
    with vllm_engine.serving(tiny_policy(4)) as session:
        assert engine._process.child.pid != pid
        assert session.identity()["proof_rms_nats"] < 1e-4


def test_a_prompt_beyond_the_models_limit_names_its_problem(vllm_engine, tiny_policy):
    with vllm_engine.serving(tiny_policy(1)) as session:
        with pytest.raises(UserError, match=r"p-long.*300 characters.*256"):
            list(session.sample([*requests(4), DrawRequest("p-long", "1" * 300, (0,))], GREEDY))
        assert greedy(session).completion_tokens > 0  # the engine is still well


def test_two_threads_sample_at_once_and_a_third_waits_for_its_policy(vllm_engine, tiny_policy):
    results, order = {}, []

    def work(name, policy):
        with vllm_engine.serving(policy) as session:
            results[name] = dict(session.sample(requests(12), Sampling(max_tokens=40)))
            order.append(name)

    with vllm_engine.serving(tiny_policy(1)):
        threads = [threading.Thread(target=work, args=(name, tiny_policy(1))) for name in "ab"]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(order) == 2, 120)  # beside us, with the same policy
        threads.append(threading.Thread(target=work, args=("c", tiny_policy(2))))
        threads[-1].start()
        threads[-1].join(timeout=1)
        assert "c" not in results  # we still hold policy 1
    for thread in threads:
        thread.join()
    assert all(len(results[name]) == 12 for name in "abc")


def test_a_killed_server_is_replaced_and_every_request_answered_once(vllm_engine, tiny_policy):
    wanted = requests(40, 4)
    with vllm_engine.serving(tiny_policy(2)) as session:
        before = greedy(session).text
        stream = session.sample(wanted, Sampling(max_tokens=120))
        drawn = [next(stream)]
        pid = vllm_engine.engine._process.child.pid
        os.kill(pid, signal.SIGKILL)
        drawn += stream
        assert sorted(request.problem_id for request, _ in drawn) == sorted(request.problem_id for request in wanted)
        assert vllm_engine.engine._process.child.pid != pid
        assert greedy(session).text == before  # the policy of before, loaded and proved again
        assert vllm_engine.engine.identity()["proof_rms_nats"] < 1e-4


OWNER = """
import sys
from pathlib import Path
from tasks.domain.schema import Policy
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.host import host_for
host = host_for(EngineSettings(kv_cache_gib=0.25), lambda policy: Path(policy.uri), Path(sys.argv[2]))
with host.serving(Policy("0" * 16, sys.argv[1])):
    print(host.engine._process.child.pid, flush=True)
    import time; time.sleep(600)
"""


def test_the_server_is_gone_after_its_owner_was_killed(tiny_llama, tmp_path):
    argv = [sys.executable, "-c", OWNER, str(tiny_llama(1)), str(tmp_path)]
    owner = subprocess.Popen(argv, cwd=guard.PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    server = int(owner.stdout.readline())
    family = [server, *guard._descendants(server)]
    assert len(family) >= 2  # API server, engine core
    owner.kill()
    owner.wait()
    wait_until(lambda: not any(map(alive, family)))


def test_a_network_of_another_shape_restarts_the_server(vllm_engine, tiny_policy, tiny_llama, tmp_path):
    other = tmp_path / "longer"
    other.mkdir()
    for file in tiny_llama(5).iterdir():
        text = file.read_bytes()
        if file.name == "config.json":
            text = text.replace(b'"rms_norm_eps": 1e-05', b'"rms_norm_eps": 1e-03')
        (other / file.name).write_bytes(text)
    with vllm_engine.serving(tiny_policy(5)):
        pid = vllm_engine.engine._process.child.pid
    with vllm_engine.serving(replace(tiny_policy(5), digest="f" * 16, uri=str(other))) as session:
        assert vllm_engine.engine._process.child.pid != pid
        assert session.identity()["proof_rms_nats"] < 1e-4


def test_a_folder_without_a_model_is_a_users_mistake(vllm_engine, tiny_policy, tmp_path):
    with (
        pytest.raises(UserError, match=r"config\.json"),
        vllm_engine.serving(replace(tiny_policy(1), digest="e" * 16, uri=str(Path(tmp_path)))),
    ):
        pass

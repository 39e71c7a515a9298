"""The completions client against a small real HTTP server whose answers each test scripts."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.domain.errors import EngineDied, ModelChangeRefused, UserError
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling import openai_client
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.external import ExternalEngine
from tasks.engines.sampling.openai_client import CompletionsClient, Endpoints

SAMPLING = Sampling(temperature=0.7, top_k=40, max_tokens=5, stop=("\n",))


class Server(ThreadingHTTPServer):
    """Answers `text<prompt>` `n` times; `faults` are status codes for the first answers (0: cut the connection)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.bodies, self.lock = [], [], threading.Lock()
        self.in_progress = self.most_in_progress = 0
        self.token_ids, self.delay_s = True, 0.0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.answer(200, {"data": [{"id": "the-model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.bodies.append(body)
            fault = self.server.faults.pop(0) if self.server.faults else 200
            self.server.in_progress += body["n"]
            self.server.most_in_progress = max(self.server.in_progress, self.server.most_in_progress)
        time.sleep(self.server.delay_s)
        with self.server.lock:
            self.server.in_progress -= body["n"]
        if fault == 0:
            self.close_connection = True
            self.connection.close()
        elif fault == 200:
            self.answer(200, completions(body, self.server.token_ids))
        else:
            self.answer(fault, {"error": {"message": "prompt of 9 tokens, limit 8"}})

    def answer(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def completions(body, token_ids):
    choices = [
        {"index": number, "text": f"text{body['prompt']}", "finish_reason": "stop", "stop_reason": "\n"}
        | ({"token_ids": list(range(number + 1))} if token_ids else {})
        for number in reversed(range(body["n"]))
    ]
    return {"choices": choices, "usage": {"prompt_tokens": 4, "completion_tokens": sum(range(body["n"] + 1))}}


@pytest.fixture
def server():
    with Server() as running:
        yield running
        running.shutdown()


@pytest.fixture
def client_of(monkeypatch):
    monkeypatch.setattr(openai_client, "RETRY_DELAY_S", 0.01)
    clients = []

    def make(server, retries=0, in_flight=8):
        clients.append(CompletionsClient(Endpoints((server.url,), "m", 20.0, retries), in_flight))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def requests(count, draws=2):
    return [DrawRequest(f"p{number}", f"{number}", tuple(range(draws))) for number in range(count)]


def test_every_request_is_answered_in_full_with_its_counts(server, client_of):
    drawn = dict(client_of(server).sample(requests(30, 3), SAMPLING))
    assert set(drawn) == set(requests(30, 3))
    for request, row in drawn.items():
        assert [(one.text, one.completion_tokens, one.prompt_tokens) for one in row] == [
            (f"text{request.prompt}", number, 4) for number in (1, 2, 3)
        ]


def test_all_that_decides_the_distribution_is_said_and_no_seed(server, client_of):
    list(client_of(server).sample(requests(1), SAMPLING))
    [body] = server.bodies
    assert "seed" not in body
    assert body | {"temperature": 0.7, "top_k": 40, "top_p": 1.0, "max_tokens": 5, "stop": ["\n"], "n": 2} == body
    assert body["repetition_penalty"] == 1.0


def test_greedy_draws_are_asked_for_once(server, client_of):
    [(_, row)] = client_of(server).sample(requests(1, 4), Sampling(temperature=0.0))
    assert server.bodies[0]["n"] == 1
    assert len(row) == 4


@pytest.mark.parametrize("draws,in_flight,most", [(2, 8, 8), (3, 8, 6), (20, 8, 20)])
def test_completions_in_progress_stay_within_the_limit(server, client_of, draws, in_flight, most):
    server.delay_s = 0.02
    client = client_of(server, in_flight=in_flight)
    threads = [threading.Thread(target=lambda: list(client.sample(requests(8, draws), SAMPLING))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.most_in_progress <= most
    assert len(server.bodies) == 16


def test_totals_are_shared_out_where_a_server_gives_no_token_ids(server, client_of):
    server.token_ids = False
    [(_, row)] = client_of(server).sample(requests(1, 4), SAMPLING)
    assert sum(one.completion_tokens for one in row) == 10


@pytest.mark.parametrize("fault", [0, 429, 500, 503])
def test_passing_faults_are_retried(server, client_of, fault):
    server.faults = [fault] * 3
    drawn = dict(client_of(server, retries=3, in_flight=2).sample(requests(2), SAMPLING))
    assert len(drawn) == 2
    assert len(server.bodies) == 5


def test_a_lasting_fault_is_an_engine_that_died(server, client_of):
    server.faults = [500]
    with pytest.raises(EngineDied, match="500"):
        list(client_of(server).sample(requests(1), SAMPLING))


def test_a_server_that_is_gone_is_an_engine_that_died(server, client_of):
    client = client_of(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(EngineDied, match="does not answer"):
        list(client.sample(requests(3), SAMPLING))


def test_an_answer_that_does_not_come_ends_the_wait(server):
    server.delay_s = 5
    client = CompletionsClient(Endpoints((server.url,), "m", timeout_s=0.2, retries=3), 8)
    with pytest.raises(EngineDied, match=r"request_timeout_s = 0.2 s \(problem p0\)"):
        list(client.sample(requests(1), SAMPLING))
    client.close()


def test_a_refused_prompt_names_problem_and_lengths(server, client_of):
    server.faults = [400]
    with pytest.raises(UserError, match=r"problem p0.*max_tokens 5.*9 tokens, limit 8"):
        list(client_of(server, retries=3).sample(requests(1), SAMPLING))


def test_closing_ends_a_sampling_thread(server, client_of):
    server.delay_s = 30
    client = client_of(server)
    stream = client.sample(requests(4), SAMPLING)
    seen: list[BaseException] = []

    def consume():
        try:
            next(stream)
        except EngineDied as error:
            seen.append(error)

    thread = threading.Thread(target=consume)
    thread.start()
    while not server.bodies:
        time.sleep(0.01)
    client.close()
    thread.join(timeout=10)
    assert len(seen) == 1


def external(server, **changes):
    settings = EngineSettings(kind="openai", urls=(server.url,), max_in_flight=4).model_copy(update=changes)
    return ExternalEngine(settings)


def test_an_external_endpoint_serves_its_fixed_policy_only(server):
    engine = external(server, fixed_policy="a" * 16)
    engine.serve(Policy("a" * 16, "", "teacher"), None)
    drawn = dict(engine.sample(requests(3), SAMPLING))
    assert len(drawn) == 3
    assert server.bodies[0]["model"] == "the-model"  # the only one it lists
    with pytest.raises(ModelChangeRefused, match="b" * 16):
        engine.serve(Policy("b" * 16, "", "trained"), None)
    engine.close()


def test_without_a_fixed_policy_the_error_says_what_to_set(server):
    with pytest.raises(ModelChangeRefused, match=r"set engine\.fixed_policy to its digest a{16}"):
        external(server).serve(Policy("a" * 16, "", "base"), None)


def test_several_urls_are_used_in_turn():
    with Server() as one, Server() as two:
        engine = external(one, urls=(one.url, two.url + "/"), model="m", fixed_policy="a" * 16)
        engine.serve(Policy("a" * 16, "", "base"), None)
        assert len(list(engine.sample(requests(10), SAMPLING))) == 10
        assert len(one.bodies) == len(two.bodies) == 5
        engine.close()

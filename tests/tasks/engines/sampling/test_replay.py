"""Recorded samples as an engine."""

import json

import pyarrow.parquet as pq
import pytest

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of, digest_of_text
from tasks.domain.schema import Policy, Sample, Sampling, to_table
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.choose import make_engine
from tasks.engines.sampling.engine import DrawRequest

SAMPLING = Sampling()


@pytest.fixture
def recorded(tmp_path):
    rows = [
        Sample(f"p{n}", "", index, f"answer {n} {index}", "stop", None, 3, 2, digest_of_text(f"prompt {n}"), "x", digest_of(SAMPLING))
        for n in range(3)
        for index in range(4)
    ]  # fmt: skip
    (tmp_path / "parts").mkdir()
    pq.write_table(to_table(rows[:6], Sample), tmp_path / "parts" / "a.parquet")
    pq.write_table(to_table(rows[6:], Sample), tmp_path / "parts" / "b.parquet")
    return tmp_path / "parts"


def engine_for(path):
    engine = make_engine(EngineSettings(kind="replay", replay_path=str(path)), path)
    engine.serve(Policy("any", ""), None)
    return engine


@pytest.mark.parametrize("where", ["", "*.parquet"])
def test_answers_come_by_prompt_sampling_and_index(recorded, where):
    seen = []
    wanted = [DrawRequest("p2", "prompt 2", (3, 1)), DrawRequest("p0", "prompt 0", (0,))]
    drawn = list(engine_for(recorded / where).sample(wanted, SAMPLING, lambda *now: seen.append(now)))
    assert [[one.text for one in row] for _, row in drawn] == [["answer 2 3", "answer 2 1"], ["answer 0 0"]]
    assert seen == [(2, 4), (1, 2)]


@pytest.mark.parametrize(
    "request_,sampling",
    [
        (DrawRequest("p0", "prompt 0", (4,)), SAMPLING),
        (DrawRequest("p0", "another prompt", (0,)), SAMPLING),
        (DrawRequest("p0", "prompt 0", (0,)), Sampling(temperature=1.0)),
    ],
)
def test_a_missing_answer_is_named(recorded, request_, sampling):
    with pytest.raises(UserError, match=f"no sample {request_.indices[0]} of problem p0"):
        list(engine_for(recorded).sample([request_], sampling))


def test_nothing_recorded_is_a_users_mistake(tmp_path):
    with pytest.raises(UserError, match="no parquet file"):
        engine_for(tmp_path)
    with pytest.raises(UserError, match="replay_path is not set"):
        make_engine(EngineSettings(kind="replay"), tmp_path)


def test_requests_are_logged_when_sent(recorded, tmp_path, monkeypatch):
    log = tmp_path / "requests.jsonl"
    monkeypatch.setenv("RESTEM_REPLAY_LOG", str(log))
    stream = engine_for(recorded).sample(
        [DrawRequest("p0", "prompt 0", (0, 1)), DrawRequest("p1", "prompt 1", (0,))], SAMPLING
    )
    next(stream)
    assert [json.loads(line) for line in log.read_text().splitlines()] == [{"problem_id": "p0", "indices": [0, 1]}]

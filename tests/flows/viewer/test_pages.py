"""The pages over HTTP: what they show is what the store holds, and nothing that a model wrote can do anything."""

from __future__ import annotations

import html
import json
import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from flows.stored.trace import RunRecords
from flows.stored.viewer_address import STORE_VARIABLE, URL_VARIABLE, run_address
from flows.viewer.app import PAGES, make_app
from flows.viewer.index import connect
from flows.viewer.queries import PAGE, Filter
from flows.viewer.shelf import Building, Shelf
from flows.viewer.text import seen
from tasks.domain.schema import Example, Sample, Verdict, from_table
from tasks.store.artifacts import Store
from tests.flows.viewer.asking import asked, page
from tests.flows.viewer.stores import HOSTILE, HOSTILE_ID, MARKS, MEGABYTE, NIGHTS, make_viewed


@pytest.fixture(scope="module")
def viewed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_viewed(tmp_path_factory.mktemp("viewed"))


@pytest.fixture(scope="module")
def client(viewed: Store, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    app = make_app(viewed, tmp_path_factory.mktemp("scratch"))
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)


@pytest.fixture(scope="module")
def shelf(viewed: Store, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(viewed, tmp_path_factory.mktemp("shelf"))


def links(text: str) -> set[str]:
    """Addresses of our own pages on a page."""
    return {html.unescape(one).split("#")[0] for one in re.findall(r'(?:href|src)="(/[^"]*)"', text)}


def stored(viewed: Store, run: str) -> list[tuple[str, Sample, Verdict]]:
    """Every sample of a run, solutions by people too, with its slot and verdict, read without the index."""
    records = RunRecords(viewed, run)
    found = []
    for slot, manifest in records.slots(lambda slot: slot.stage in ("generate", "human")):
        verify = records.at(slot.at(stage="verify"))
        assert verify is not None
        verdicts = {(one.problem_id, one.index): one for one in viewed.rows(viewed.ref(verify), Verdict)}
        rows = viewed.rows(viewed.ref(manifest), Sample)
        found += [(str(slot), one, verdicts[one.problem_id, one.index]) for one in rows]
    return found


def kept(viewed: Store, run: str) -> Counter[tuple[int | None, str, int]]:
    records = RunRecords(viewed, run)
    return Counter(
        (slot.iteration, row.problem_id, row.index)
        for slot, manifest in records.slots(lambda slot: slot.stage == "materialize")
        for table in viewed.tables(viewed.ref(manifest))
        for row in from_table(table, Example)
    )


def test_every_link_of_every_page_leads_to_a_page(client: TestClient) -> None:
    """A walk from the first page; hostile ids and questions included."""
    waiting, seen_pages = ["/"], set[str]()
    while waiting:
        address = waiting.pop()
        if address in seen_pages:
            continue
        seen_pages.add(address)
        answer = asked(client, address)
        assert answer.status_code == 200, (address, answer.text[:500])
        if answer.headers["content-type"].startswith("text/html") and "/report" not in address:
            new = sorted(links(answer.text) - seen_pages)
            # of the many samples of a list a few stand for all
            waiting += [one for one in new if "problem?" not in one] + [one for one in new if "problem?" in one][:3]
        assert len(seen_pages) < 600
    reached = {next(path for path in PAGES if re.fullmatch(re.sub(r"\{\w+(:int)?\}", "[^/]+", path), urlsplit(one).path))
               for one in seen_pages if not one.startswith("/static/")}  # fmt: skip
    assert reached == set(PAGES) - {"/compare", "/metrics"}  # a form leads to the one, a scraper asks for the other


def test_the_index_holds_every_sample_with_its_verdict_and_whether_it_was_kept(viewed: Store, shelf: Shelf) -> None:
    for run in ("small", "other", "hostile"):
        samples = shelf.samples(run, wait_s=60)
        assert not isinstance(samples, Building)
        expected, training = stored(viewed, run), kept(viewed, run)
        ids = samples.matching(Filter())
        assert len(ids) == len(expected) == samples.built.samples
        rows = samples._rows(ids, 2 * MEGABYTE)
        assert Counter((one.problem, one.draw, one.text, one.label, one.reward, one.tokens) for one in rows) == Counter(
            (sample.problem_id, sample.index, sample.text, verdict.label, verdict.reward, sample.completion_tokens)
            for _, sample, verdict in expected
        )
        assert Counter((one.iteration, one.problem, one.draw) for one in rows if one.fate == "kept") == training
        assert {one.fate for one in rows if one.part != "train"} == {"evaluation"}
        assert all(one.label == "correct" for one in rows if one.fate in ("kept", "left over"))


LETTERS = st.text(alphabet="0123456789#+=%_\\ \n<x'\";-", max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=LETTERS, problem=LETTERS, iteration=st.sampled_from(["", "0", "1", "7"]), part=st.sampled_from(["", "train", "test"]),
    label=st.sampled_from(["", "correct", "wrong", "x' OR 1=1 --"]), least=st.sampled_from(["", "0", "17"]), most=st.sampled_from(["", "17", "999999999"]),
    run=st.sampled_from(["small", "hostile"]),
)  # fmt: skip
def test_a_filter_finds_exactly_the_samples_that_it_describes(
    viewed: Store, shelf: Shelf, text: str, problem: str, iteration: str, part: str, label: str, least: str, most: str, run: str
) -> None:  # fmt: skip
    samples = shelf.samples(run, wait_s=60)
    assert not isinstance(samples, Building)
    wanted = Filter.of(
        {
            "text": text,
            "problem": problem,
            "iteration": iteration,
            "part": part,
            "label": label,
            "least": least,
            "most": most,
        }
    )
    found = samples.find(wanted)
    everything = samples._rows(samples.matching(Filter()), 2 * MEGABYTE)
    expected = [
        one.id for one in everything
        if wanted.text.lower() in one.text.lower() and wanted.problem.lower() in one.problem.lower()
        and iteration in ("", str(one.iteration)) and part in ("", one.part) and label in ("", one.label)
        and int(least or 0) <= one.tokens <= int(most or 10**9)
    ]  # fmt: skip
    assert found.total == len(expected)
    assert [one.id for one in found.rows] == expected[:PAGE]
    assert sum(bar.total for bar in found.bars) == len(expected)


def test_the_bars_of_a_histogram_open_their_samples(client: TestClient, shelf: Shelf) -> None:
    samples = shelf.samples("small", wait_s=60)
    assert not isinstance(samples, Building)
    text = page(client, "/run/small/samples?part=train")
    bars = [html.unescape(one) for one in re.findall(r'<a href="(\?[^"]*least=[^"]*)"><title>', text)]
    totals = []
    for bar in bars:
        shown = page(client, f"/run/small/samples{bar}")
        totals.append(int(re.search(r"<p>([\d,]+) samples", shown)[1].replace(",", "")))  # type: ignore[index]
    assert sum(totals) == samples.find(Filter(part="train")).total and len(bars) == len(
        samples.find(Filter(part="train")).bars
    )


def test_any_sample_is_three_clicks_away(client: TestClient) -> None:
    """Run, samples, sample: the first page, then three links."""
    assert "/run/small" in links(page(client, "/"))
    assert "/run/small/samples" in links(page(client, "/run/small"))
    problem = next(one for one in links(page(client, "/run/small/samples")) if "/problem?" in one)
    assert "whole text" in page(client, problem)


def test_a_list_shows_what_each_sample_was_asked_and_what_was_expected(client: TestClient, shelf: Shelf) -> None:
    """Ids of problems of one's own say nothing."""
    samples = shelf.samples("small", wait_s=60)
    assert not isinstance(samples, Building)
    articles = re.findall(r"<article.*?</article>", page(client, "/run/small/samples"), re.DOTALL)
    rows = samples.find(Filter()).rows
    assert len(articles) == len(rows) > 1
    for article, row in zip(articles, rows, strict=True):
        problem = samples.problem(row.problem)
        assert problem is not None and html.escape(problem["question"]) in article
        assert f"expected</span> {html.escape(problem['gold'])}</p>" in article


def test_the_numbered_pages_of_a_list_hold_every_sample_once(client: TestClient, shelf: Shelf) -> None:
    samples = shelf.samples("small", wait_s=60)
    assert not isinstance(samples, Building) and samples.built.samples > PAGE
    count = -(-samples.built.samples // PAGE)
    lists = [page(client, f"/run/small/samples?page={number}") for number in range(1, count + 1)]
    ids = [one for text in lists for one in re.findall(r'#s(\d+)"', text)]
    assert len(ids) == len(set(ids)) == samples.built.samples
    assert 'name="page" value="2" ' in lists[1] and f"of {count} <button>" in lists[1]
    for beyond, same in (("0", lists[0]), ("99999999999", lists[-1])):
        assert re.findall(r'#s(\d+)"', page(client, f"/run/small/samples?page={beyond}")) == re.findall(
            r'#s(\d+)"', same
        )


def test_a_problem_with_more_samples_than_its_page_holds_says_where_all_are(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.viewer.queries.MOST_OF_A_PROBLEM", 3)
    monkeypatch.setattr("flows.viewer.pages.samples.MOST_OF_A_PROBLEM", 3)
    problem = next(one for one in links(page(client, "/run/small/samples")) if "/problem?" in one)
    text = page(client, problem)
    assert text.count("<article") == 3 and "its first 3 samples" in text
    name = dict(parse_qsl(urlsplit(problem).query))["id"]
    everything = next(one for one in links(text) if "/samples?problem=" in one)
    assert (
        dict(parse_qsl(urlsplit(everything).query)) == {"problem": name}
        and page(client, everything).count("<article") > 3
    )


def test_a_problem_shows_its_samples_by_policy_with_evidence(client: TestClient, viewed: Store) -> None:
    _, sample, verdict = next(row for row in stored(viewed, "small") if "base/test/sampled" in row[0])
    text = page(client, f"/run/small/problem?id={sample.problem_id.replace('+', '%2B')}")
    titles = re.findall(r"<h3>(.*?)</h3>", text)
    assert titles[0] == "base, test, greedy" and titles[-1] == "iteration 2, test, sampled"
    assert "Base against last" in text and html.escape(sample.text) in text
    assert all(f"<dt>{name}</dt><dd>{html.escape(str(value))}</dd>" in text for name, value in verdict.evidence.items())


def greedy_at_the_end(viewed: Store, run: str) -> dict[str, bool]:
    """Return by problem whether the greedy answer of the run's last policy on test is right, read without the index."""
    rows = [row for row in stored(viewed, run) if "/test/greedy/" in row[0]]
    last = max(slot.split("/")[0] for slot, _, _ in rows)
    return {sample.problem_id: verdict.label == "correct" for slot, sample, verdict in rows if slot.startswith(last)}


def test_two_runs_side_by_side(client: TestClient, viewed: Store) -> None:
    text = page(client, "/compare?run=small&run=other")
    assert "materialize.cap" in text and "run.name" not in text and "other minus small" in text
    assert len(re.findall(r'<polyline class="line c[12]', text)) == 4
    counts = {kind: int(count) for count, kind in re.findall(r"<summary>(\d+) (won|lost)", text)}
    same, neither = map(int, re.search(r"both solve (\d+), neither (\d+)", text).groups())  # type: ignore[union-attr]
    assert sum(counts.values()) + same + neither == 8
    before, after = (greedy_at_the_end(viewed, run) for run in ("small", "other"))
    assert counts["won"] == sum(after[one] and not before[one] for one in before)
    assert counts["lost"] == sum(before[one] and not after[one] for one in before)
    [value] = re.findall(r"<td>greedy</td><td>([+-]?[\d.]+) \[", text)
    assert float(value) == pytest.approx(100 * (counts["won"] - counts["lost"]) / 8, abs=0.06)
    assert "choose 2 to 4" in page(client, "/compare?run=small", 404)
    assert "choose 2 to 4" in page(client, "/compare?run=a&run=b&run=c&run=d&run=e", 404)
    assert "Settings that differ" in page(client, "/compare?run=small&run=other&run=hostile")


def test_a_series_shows_what_its_gates_decided_and_what_latest_is(client: TestClient) -> None:
    text = page(client, "/nights/nightly")
    assert re.findall(r'<td class="(\w+)">\1</td>', text) == list(reversed(NIGHTS))
    assert "<b>latest</b> is" in text and "2026-01-01" in text and "+3.0 points" in text
    assert "/nights/nightly" in links(page(client, "/nights"))


def test_what_can_be_taken_away_is_what_is_stored(client: TestClient, viewed: Store) -> None:
    lines = [json.loads(line) for line in page(client, "/run/small/data/1.jsonl").splitlines()]
    assert Counter((1, one["problem_id"], one["index"]) for one in lines) == Counter(
        {key: count for key, count in kept(viewed, "small").items() if key[0] == 1}
    )
    assert json.loads(page(client, "/run/small/file/result.json")) == viewed.read_json("runs/small/result.json")
    assert page(client, "/run/small/file/table.csv").splitlines()[0].startswith("policy,")
    assert client.get("/run/small/report").content == viewed.read_bytes("runs/small/report.html")


@pytest.mark.parametrize(
    "address",
    ["/run/none", "/run/..%2f..%2fetc", "/run/nightly", "/run/small/data/9.jsonl", "/run/small/problem?id=none", "/nights/none",
     "/run/small/samples?least=-1", "/run/small/samples?iteration=x", "/run/small/samples?page=x", "/run/small/sample/99999.txt",
     "/static/../app.py", "/static/%2e%2e/app.py", "/nowhere", "/run/%3Cscript%3E"],
)  # fmt: skip
def test_what_is_not_there_is_one_sentence(client: TestClient, address: str) -> None:
    answer = asked(client, address)
    assert answer.status_code == 404, answer.text
    assert "Traceback" not in answer.text and "<script>" not in answer.text


def test_pages_only_read_and_only_for_this_machine(client: TestClient, viewed: Store) -> None:
    before = {str(one): one.stat().st_mtime_ns for one in Path(viewed.root).rglob("*")}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, "/run/small").status_code == 405
    assert client.get("/", headers={"host": "bad.example"}).status_code == 400
    assert client.get("/", headers={"host": "127.0.0.1:4300"}).status_code == 200
    page(client, "/run/small/samples")
    assert before == {str(one): one.stat().st_mtime_ns for one in Path(viewed.root).rglob("*")}


PATHS = ("/", "/run/hostile", "/run/hostile/samples", "/run/hostile/samples?text=script", "/nights/nightly", "/run/hostile/report",
         "/run/hostile/file/config.json", "/compare?run=small&run=hostile", "/nowhere", "/static/page.js")  # fmt: skip


@pytest.mark.parametrize("address", PATHS)
def test_every_answer_carries_a_policy_that_runs_nothing_of_others(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    policy = dict(
        one.strip().split(" ", 1) if " " in one.strip() else (one.strip(), "")
        for one in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'" and policy["base-uri"] == "'none'"
    assert policy.get("script-src", "'none'") == "'self'" or "sandbox" in policy
    assert "unsafe" not in policy.get("script-src", "") and headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_hostile_output_is_shown_and_does_nothing(client: TestClient) -> None:
    texts = [
        page(client, one)
        for one in PATHS
        if "file" not in one and "report" not in one and "static" not in one and one != "/nowhere"
    ]
    texts.append(page(client, next(one for one in links(texts[2]) if "/problem?" in one)))
    for text in texts:
        assert not any(mark in text for mark in MARKS)
        assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/page.js" defer>']
        assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", text) and "<img" not in text
        assert not re.search(r'(?:href|src|action)="(?!/|\?|#)', text)
    assert any("\\u202egnp.exe" in text and "\\u001b[31mred" in text and "{{ 7*7 }}" in text for text in texts)


def test_a_line_of_a_megabyte_makes_no_page_heavy_and_can_be_had_whole(client: TestClient) -> None:
    listed = page(client, "/run/hostile/samples?text=xxxxxxxx")
    assert len(listed) < 100_000
    address = next(one for one in links(listed) if "/problem?" in one)
    problem = page(client, address)
    assert len(problem) < 1_000_000 and "more characters]" in problem
    whole = [client.get(one) for one in sorted(links(problem)) if "/sample/" in one]
    long = [one for one in whole if len(one.text) >= MEGABYTE]
    assert long and all(one.headers["content-disposition"].startswith("attachment") for one in whole)


@given(st.text())
def test_no_text_keeps_a_character_that_controls_or_reorders(text: str) -> None:
    shown = seen(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)


@given(st.builds(Filter, *[st.text(max_size=5).map(str.strip)] * 3))
def test_an_address_says_the_filter_that_it_was_made_from(wanted: Filter) -> None:
    plain = replace(wanted, iteration="")
    assert Filter.of(dict(parse_qsl(plain.address()[1:]))) == plain


def test_an_index_is_built_once_and_anew_when_the_run_went_on(viewed: Store, tmp_path: Path) -> None:
    first = Shelf(viewed, tmp_path).samples("small", wait_s=60)
    assert not isinstance(first, Building)
    made = first.built.path.stat().st_mtime_ns
    again = Shelf(viewed, tmp_path).samples("small", wait_s=60)
    assert not isinstance(again, Building)
    assert again.built == first.built and again.built.path.stat().st_mtime_ns == made
    recipe = viewed.read_json("runs/small/recipes/iteration-1/materialize.json")
    copy = Store(str(tmp_path / "copy"))
    for path in viewed.walk(""):
        copy.write_bytes(path, viewed.read_bytes(path))
    copy.write_json("runs/small/recipes/iteration-1/materialize.json", {**recipe, "version": "later"})
    later = Shelf(copy, tmp_path).samples("small", wait_s=60)
    assert not isinstance(later, Building) and later.built.key != first.built.key


def test_while_an_index_is_built_the_page_says_how_far_it_is(client: TestClient, viewed: Store, tmp_path: Path) -> None:
    shelf = Shelf(viewed, tmp_path)
    answers = [shelf.samples("other", wait_s=0.0)]
    deadline = time.monotonic() + 60
    while isinstance(answers[-1], Building) and time.monotonic() < deadline:
        answers.append(shelf.samples("other", wait_s=0.05))
    assert isinstance(answers[0], Building) and not isinstance(answers[-1], Building)


def test_an_index_reaches_no_file_and_no_network(shelf: Shelf) -> None:
    samples = shelf.samples("small", wait_s=60)
    assert not isinstance(samples, Building)
    for statement in ("SELECT * FROM read_text('/etc/passwd')", "INSTALL httpfs", "COPY samples TO '/tmp/out.csv'"):
        with pytest.raises(Exception, match=r"(?i)disabled|permission|read-only|not allowed"):
            connect(samples.built.path, read_only=True).execute(statement)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:4300")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    return str(tmp_path / "store")


def test_only_runs_of_the_store_that_is_shown_get_a_link(told: str) -> None:
    assert run_address(told, "small") == "http://127.0.0.1:4300/run/small"
    assert (
        run_address(f"{told}/", "small")
        and not run_address(f"{told}2", "small")
        and not run_address("s3://b/p", "small")
    )


def test_hostile_texts_are_what_they_claim() -> None:
    assert all(mark in HOSTILE + HOSTILE_ID for mark in MARKS)

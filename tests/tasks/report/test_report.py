"""The report of a made-up run: complete, escaped, alone, and there at every stage of a run."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tasks.domain.errors import UserError
from tasks.domain.run_result import IterationResult, RunResult
from tasks.domain.settings import EvaluateSettings
from tasks.domain.statistics import Interval
from tasks.report import as_json, as_markdown, as_table, compare_markdown, differences_to_base, write_html
from tasks.report.keys import artifact_key
from tasks.report.page import render_html
from tasks.report.tables import choice
from tasks.report.text import MARKDOWN_BYTES, points, within_limit
from tests.made_up_run import HOSTILE, made_up_run, policy_score


@pytest.fixture(scope="module")
def run():
    return made_up_run()


@pytest.fixture(scope="module")
def page(run):
    return render_html(run)


class Tags(HTMLParser):
    """Every tag with its attributes, and whether all were closed in order."""

    VOID = ("meta", "br", "img", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_table_has_a_row_for_the_base_and_each_iteration(run):
    text = as_table(run, 80)
    for part in ("base", "iteration 3", "greedy", "pass@16", "maj@16", "E-step 121", "(stored)", "335/400", "unknown"):
        assert (part in text) == (part != "unknown")
    assert f"{100 * run.base.test.greedy.value:.1f} %" in text


def test_markdown_says_from_where_to_where_with_paired_intervals(run):
    text = as_markdown(run)
    last = next(d for d in run.differences if (d.number, d.metric) == (3, "sampled"))
    assert f"({points(last.interval)})" in text
    assert (
        "| policy | format failures (greedy, sampled) | solve rate (train) |" in text
        and "| policy | greedy pass@1 |" in text
    )
    assert "Without a verdict (verifier error)" in text
    assert "10 train samples left out of training" in text
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| ") and "E-step" in line}
    assert widths == {2}


def test_nobody_reads_a_password(run, page):
    for text in (as_markdown(run), page):
        assert "secret" not in text
        assert "logs.example" in text


def test_json_is_the_record(run):
    assert RunResult.from_json(as_json(run)).to_json() == run.to_json()


def test_the_page_needs_nothing_but_itself(page):
    tags = Tags(page)
    assert tags.open == []
    names = {tag for tag, _ in tags.found}
    assert names.isdisjoint({"script", "link", "iframe", "object", "embed", "form", "base"})
    assert not [a for tag, a in tags.found if tag in ("img", "image")]
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []
    fetched = [a[k] for tag, a in tags.found for k in ("src", "href", "xlink:href", "srcset") if k in a and tag != "a"]
    assert [address for address in fetched if not address.startswith("#")] == []
    assert "default-src 'none'" in page


def test_hostile_output_stays_text(page):
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "$title ${x}" in page
    assert not [a for _, a in Tags(page).found if any(key.startswith("on") for key in a)]
    assert not {"\x1b", "\u202e"} & set(page)
    assert "\\u001b[31m\\u202e" in page


def test_names_and_addresses_are_escaped_too(run):
    nasty = '"><script>alert(3)</script>'
    row = replace(run.iterations[0], refs={nasty: nasty}, links={"x": f"https://h/{nasty}"}, seconds={nasty: 1.0})
    levels = {f"{nasty} $a$ $ {name}": score for name, score in run.base.test.by_level.items()}
    base = replace(run.base, test=replace(run.base.test, by_level=levels))
    text = render_html(replace(run, name=nasty, base=base, iterations=(row,), notes=(nasty,), config={nasty: nasty}))
    assert "<script" not in text
    assert "javascript" not in render_html(
        replace(run, iterations=(replace(row, refs={}, links={"j": "https-not:x"}),))
    )
    assert "<script" not in as_markdown(replace(run, name=nasty, notes=(nasty,))).replace("\\<script", "")


def test_only_web_addresses_become_links(run):
    row = replace(run.iterations[0], refs={}, links={"bad": "javascript:alert(1)", "good": "https://host/log"})
    addresses = [a["href"] for tag, a in Tags(render_html(replace(run, iterations=(row,)))).found if tag == "a"]
    assert addresses == ["https://host/log"]


def test_the_page_leads_to_all_samples(run):
    here = render_html(run, "http://127.0.0.1:4210/run/one?a=1&b=2")
    assert "http://127.0.0.1:4210/run/one?a=1&b=2" in [a.get("href") for tag, a in Tags(here).found if tag == "a"]
    stored = replace(run, config={"run": {"store": "/data/my store"}})
    assert "restem view &#x27;/data/my store&#x27;" in render_html(stored)


def test_pictures_are_well_formed_and_take_the_colours_of_the_page(page):
    pictures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(pictures) == 9
    assert not set(re.findall(r"var\((--\w+)\)", page)) - set(re.findall(r"(--\w+):", page))
    for picture in pictures:
        ET.fromstring(picture)
        assert "var(--ink)" in picture
        assert not re.search(r"#0a0[bc]|#000000|#ffffff", picture)


def test_pictures_are_the_same_every_time(run, page):
    assert render_html(run) == page


def test_every_label_can_be_browsed(page):
    for label in ("correct", "wrong", "unparseable", "timeout", "verifier error"):
        assert re.search(rf"<summary[^>]*>{label} \(\d", page)


@pytest.mark.parametrize(
    "stage",
    [
        "nothing yet",
        "base only",
        "greedy only",
        "sampled only",
        "one iteration without test",
        "all unknown",
        "many iterations",
    ],
)
def test_a_run_can_be_reported_at_every_stage(run, stage, tmp_path):
    test, row = run.base.test, run.iterations[0]
    unknown = Interval(float("nan"), 0.0, 1.0)
    greedy = replace(test, sampled=None, pass_at_k={}, maj_at_k={}, maj_values={}, sampled_outcomes={}, by_level={})
    result = {
        "nothing yet": RunResult("r", {}, IterationResult(0, "d")),
        "base only": replace(run, iterations=(), differences=(), status="running", finished=None),
        "greedy only": replace(run, base=replace(run.base, test=greedy), iterations=(), differences=()),
        "sampled only": replace(run, base=replace(run.base, test=replace(test, greedy=None)), differences=()),
        "one iteration without test": replace(run, iterations=(replace(row, test=None),), differences=()),
        "all unknown": replace(run, base=replace(run.base, test=replace(test, greedy=unknown, sampled=unknown))),
        "many iterations": replace(run, iterations=tuple(replace(row, number=n) for n in range(1, 31))),
    }[stage]
    path = write_html(result, tmp_path / "deep" / "report.html")
    assert Tags(path.read_text()).open == []
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert as_markdown(result).startswith(f"# {result.name}")
    for width in (80, None):
        assert result.name in as_table(result, width)


def test_markdown_is_cut_at_a_line_below_the_limit_of_prefect(run):
    long = replace(run, iterations=tuple(replace(run.iterations[0], number=n) for n in range(1, 101)))
    long = replace(long, notes=tuple("é" * 200 for _ in range(500)))
    text = as_markdown(long)
    assert len(text.encode()) <= MARKDOWN_BYTES
    assert text.endswith("(cut here; the whole is in report.html and result.json)\n")
    assert within_limit("short") == "short"


def test_differences_to_base_cover_every_evaluated_iteration(run):
    found = differences_to_base(
        replace(run, iterations=(*run.iterations, replace(run.iterations[0], number=4, test=None)))
    )
    assert {d.number for d in found} == {1, 2, 3}
    assert {"greedy", "sampled", "pass@16", "maj@16"} <= {d.metric for d in found}
    assert differences_to_base(replace(run, base=replace(run.base, test=None))) == ()


def test_control_arms_are_compared_pairwise_at_their_last_iteration(run):
    arm = made_up_run((0.45, 0.5))
    text = compare_markdown({"rest_em": run, "unfiltered|": arm}, bootstrap=200)
    assert "| rest\\_em | iteration 3 |" in text
    assert "| unfiltered\\| | iteration 1 |" in text
    assert re.search(r"\| sampled \| -\d+\.\d \[-", text)


def test_arms_on_different_problems_are_refused(run):
    other = replace(run, iterations=(), base=replace(run.base, test=policy_score(0.5, "base", 20)))
    with pytest.raises(UserError, match="scored on different problems"):
        compare_markdown({"a": run, "b": other})
    with pytest.raises(UserError, match="'b' has no evaluated policy yet"):
        compare_markdown({"a": run, "b": RunResult("b", {}, IterationResult(0, "d"))})


def test_artifact_keys_are_what_prefect_accepts_and_never_the_same_for_two_things():
    runs = (
        "small",
        "GSM8K_run.1",
        "gsm8k-run-1",
        "Gsm8k.run_1",
        "__",
        "run",
        "a",
        "a-b",
        "b",
        "a--b",
        "a.b",
        "c",
        "b-c",
    )
    single = [artifact_key("report", name) for name in runs]
    single += [artifact_key("report", key.removeprefix("report-")) for key in single if key[-9:-8] == "-"]
    double = [artifact_key("score", one, other) for one in runs for other in runs]
    for keys in (single, double):
        assert len(set(keys)) == len(keys)
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key) for key in keys)
    assert artifact_key("report", "small") == "report-small"
    assert artifact_key("stage", "series-2026-01-01", "verify", "1") == "stage-series-2026-01-01-verify-1"


def test_importing_the_report_loads_neither_matplotlib_nor_prefect():
    code = "import sys, tasks.report; print(sorted({'matplotlib', 'prefect', 'torch'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_made_up_run_is_scored_as_configured(run):
    assert EvaluateSettings(samples=16).samples == len(next(iter(run.base.test.sampled_outcomes.values())))
    json.dumps(run.to_json(), allow_nan=False)


def test_the_report_says_which_round_val_chose_and_what_the_others_would_have_given() -> None:
    told = choice(made_up_run())
    best = max(made_up_run().iterations, key=lambda row: row.val_reward.value)
    assert f"the choice is iteration {best.number}" in told
    assert all(f"iteration {row.number} " in told or row.number == best.number for row in made_up_run().iterations)
    assert choice(made_up_run((0.45, 0.6))) == ""

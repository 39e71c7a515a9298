"""An audit of a stored run tells disagreement and error rates, and corrections change what they name and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from flows.config import RunConfig, load_config
from flows.stored.audit.audit import Audited, audit, shares
from flows.stored.audit.draw import Draw
from flows.stored.audit.keep import keep_audit
from flows.stored.audit.labels import Said, corrections_of, rates_of, read_labels
from flows.stored.audit.page import label_page
from tasks.domain.audit import AuditPlace
from tasks.domain.errors import UserError
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings
from tasks.graders.second_opinion import MathVerify, PlainRuns, second_grader
from tasks.report.audit import cells
from tasks.store.artifacts import Store
from tests.command import write_config
from tests.handmade import make_store, run_directly
from tests.rig import recipes

HOSTILE = "</pre><script>alert(1)</script>\x1b[2J\u202e' onload=\"x"


@dataclass
class Contrary:
    """Says no to every completion that ends in an even number."""

    name: str = "a contrary grader"
    asked: int = 0

    def opinions(self, rows: Sequence[tuple[Problem, str]]) -> list[bool | None]:
        self.asked += len(rows)
        return [None if text.endswith("5") else text[-1] not in "02468" for _, text in rows]

    def close(self) -> None:
        """Nothing to free."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Store]:
    config, _ = make_store(tmp_path_factory.mktemp("audited"))
    return config, Store(config.run.store)


@pytest.fixture(scope="module")
def audited(stored: tuple[RunConfig, Store]) -> Audited:
    return audit(stored[1], "small", second=Contrary())


@pytest.mark.heavy
def test_every_stage_of_every_iteration_is_counted(audited: Audited) -> None:
    names = {place.name for place in audited.summary.places}
    assert {"base/test/greedy", "base/test/sampled", "iteration-1/train", "iteration-1/test/sampled"} <= names
    for place in audited.summary.places:
        assert place.accepted + place.refused + place.errors == place.samples > 0
        assert sum(place.rules.values()) == place.accepted
        assert sum(place.proofs.values()) <= place.accepted
        assert 0 < place.compared <= place.samples and place.disagreed >= place.only_ours
        assert place.false_equations == place.accepted  # the recorded solutions write a+b=index
    assert audited.summary.disagreements


def test_answers_that_only_agree_at_points_are_told_apart() -> None:
    place = AuditPlace("iteration-1/train", samples=5, accepted=4, refused=1, proofs={"exact": 3, "sampled": 1})
    assert cells(place)[-1] == "exact 75.0%, sampled 25.0%"
    assert ("proved by no more than sampling", 1, 4) in shares(place)
    assert cells(AuditPlace("base/test"))[-1] == "-"


@pytest.mark.heavy
def test_as_many_accepted_as_refused_ones_are_drawn_for_a_person(
    stored: tuple[RunConfig, Store], audited: Audited
) -> None:
    assert Counter(one.accepted for one in audited.to_label) == {True: 25, False: 25}
    again = audit(stored[1], "small", second="none")
    assert [one.digest for one in again.to_label] == [one.digest for one in audited.to_label]
    assert again.summary.second == "none" and not again.summary.disagreements


@pytest.mark.heavy
def test_the_report_has_a_section_about_the_verdicts(stored: tuple[RunConfig, Store], audited: Audited) -> None:
    store = stored[1]
    rates = rates_of([Said("p", "0" * 16, "wrong", True)])
    keep_audit(store, replace(audited.summary, rates=rates))
    page = store.read_bytes("runs/small/report.html").decode()
    assert "Audit of the verdicts" in page and "a contrary grader" in page
    assert "False accepts: 1 of 1 labelled accepted samples" in page
    assert store.read_json("runs/small/audit.json")["second"] == "a contrary grader"


def test_a_later_run_keeps_the_section(stored: tuple[RunConfig, Store], audited: Audited) -> None:
    config, store = stored
    keep_audit(store, audited.summary)
    run_directly(config)
    assert "a contrary grader" in store.read_bytes("runs/small/report.html").decode()


def test_a_reward_of_ones_own_has_no_second_grader_and_the_audit_says_so() -> None:
    said = second_grader(VerifySettings(reward="my_rewards:judge"))
    assert said == "there is no second grader for the reward my_rewards:judge"


@pytest.mark.heavy
def test_nothing_of_a_completion_runs_on_the_page_and_only_our_script_may(audited: Audited) -> None:
    one = audited.to_label[0]
    bad = replace(
        one, sample=replace(one.sample, text=HOSTILE), problem=replace(one.problem, id=HOSTILE, question=HOSTILE)
    )
    page = label_page("a <run>", [bad, *audited.to_label])
    assert page.count("<script>") == 1 and 'onload="' not in page and "\x1b" not in page and "\u202e" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None and policy[1].startswith("default-src 'none';")
    for tag in ("script", "style"):
        content = page.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert page.count("<article") == len(audited.to_label) + 1 and "http://" not in page and "https://" not in page


@pytest.mark.heavy
def test_labels_give_rates_and_corrections_that_only_what_changed_follows(tmp_path: Path) -> None:
    config, _ = make_store(tmp_path)
    store = Store(config.run.store)
    drawn = [one for one in audit(store, "small", second="none").to_label if one.place == "iteration-1/train"]
    accepted, refused = (next(one for one in drawn if one.accepted == side) for side in (True, False))
    lines = [
        {"problem": one.problem.id, "text": one.digest, "label": label}
        for one, label in ((accepted, "wrong"), (refused, "right"))
    ]
    lines += [{"problem": "elsewhere", "text": "0" * 16, "label": "right"}]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = audit(store, "small", read_labels(tmp_path / "labels.jsonl"), second="none")
    rates = found.summary.rates
    assert rates is not None and found.unknown_labels == 1
    assert (rates.accepted, rates.accepted_wrongly, rates.refused, rates.refused_wrongly) == (1, 1, 1, 1)
    corrections = corrections_of(found.said)
    assert {one["label"] for one in corrections} == {"correct", "wrong"}
    (tmp_path / "corrections.jsonl").write_text("".join(json.dumps(line) + "\n" for line in corrections))
    before = recipes(store)
    path = write_config(tmp_path / "config.toml", config)
    named = (
        path.read_text().replace("corrections = []", 'corrections = "corrections.jsonl"').replace("overruled = []", "")
    )
    path.write_text(named)
    corrected = load_config(path)
    assert len(corrected.verify.overruled) == 2
    run_directly(corrected)
    after = recipes(store)
    changed = {slot for slot in before if slot in after and before[slot] != after[slot]}
    drawn_again = [slot for slot in changed if slot.endswith("/wave-0/generate") and "iteration-1/train" in slot]
    assert changed and not drawn_again  # a problem that a ruling leaves unfilled may go on to a later wave
    ranges = {slot.split("/verify")[0] for slot in changed if slot.endswith("/verify") and "iteration-1/train" in slot}
    assert 0 < len(ranges) < len([slot for slot in before if slot.endswith("/verify") and "iteration-1/train" in slot])
    labels = {
        (one.problem_id, one.text): one.accepted
        for one in audit(store, "small", read_labels(tmp_path / "labels.jsonl"), second="none").said
    }
    assert labels == {(accepted.problem.id, accepted.digest): False, (refused.problem.id, refused.digest): True}
    assert "iteration-1/materialize" in changed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{", "no problem, text and label"), ('{"problem": "a", "text": "b", "label": "good"}', "label 'good'; expected one of right"),
     ('{"problem": "a", "text": "b", "label": "right"}\n{"problem": "a", "text": "b", "label": "wrong"}', "line 2 calls")],
)  # fmt: skip
def test_labels_of_another_kind_are_told(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "labels.jsonl").write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_labels(tmp_path / "labels.jsonl")


def test_rates_count_each_side_by_itself() -> None:
    said = [Said("p", f"{n:016x}", label, accepted) for n, (label, accepted) in enumerate(
        [("right", True)] * 18 + [("wrong", True)] * 2 + [("right", False)] * 1 + [("wrong", False)] * 9 + [("unsure", True)] * 3
    )]  # fmt: skip
    rates = rates_of(said)
    assert (rates.false_accept.value, rates.false_reject.value, rates.unsure) == (0.1, 0.1, 3)
    assert rates.false_accept.low < 0.1 < rates.false_accept.high


def test_a_draw_is_the_same_whatever_the_order_and_grows_by_adding() -> None:
    names = [str(number) for number in range(1000)]
    few, many, back = Draw[str](10), Draw[str](100), Draw[str](10)
    for name in [*names, *names]:
        few.offer(name, name)
        many.offer(name, name)
    for name in reversed(names):
        back.offer(name, name)
    assert few.taken() == back.taken() == many.taken()[:10] and len(set(many.taken())) == 100


def test_math_verify_is_asked_in_killable_workers() -> None:
    grader = MathVerify()
    problem = Problem("p", "s", "train", "math", "?", gold=r"\frac12")
    try:
        rows = [(problem, r"so \boxed{0.5}"), (problem, r"so \boxed{0.6}"), (replace(problem, gold=""), r"\boxed{1}")]
        assert grader.opinions(rows) == [True, False, None]
    finally:
        grader.close()


@pytest.mark.heavy
def test_programs_are_run_again_plainly() -> None:
    stdin = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "3\n"]}
    call = {"inputs": [[[1, 2]]], "outputs": [[2, 1]], "fn_name": "f"}
    asserts = {"test": "assert f(1) == 2\nassert f(2) == 4", "entry_point": "f"}
    check = {
        "prompt": "def f(x):\n    '''Twice x.'''\n",
        "test": "def check(candidate):\n    assert candidate(1) == 2",
        "entry_point": "f",
    }
    rows = [
        (stdin, "print(int(input()) + 1)", True), (stdin, "print(2)", False), (call, "def f(xs): return xs[::-1]", True),
        (call, "def f(xs): return xs", False), (asserts, "def f(x): return 2 * x", True), (asserts, "def f(x): return 2", False),
        (check, "def f(x):\n    return 2 * x", True), (check, "def f(x):\n    return x", False), (asserts, "No program at all.", None),
    ]  # fmt: skip
    try:
        grader = PlainRuns(VerifySettings(reward="code"))
    except UserError as error:
        pytest.skip(str(error))
    try:
        problems = [Problem("p", "s", "train", "code", "?", tests=json.dumps(tests)) for tests, _, _ in rows]
        texts = [text if wanted is None else f"```python\n{text}\n```" for _, text, wanted in rows]
        opinions = grader.opinions(list(zip(problems, texts, strict=True)))
    finally:
        grader.close()
    assert opinions[:-1] == [wanted for _, _, wanted in rows[:-1]]
    assert not opinions[-1]

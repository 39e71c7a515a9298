"""`restem audit RUN` measures what the verdicts of a stored run are worth.

One pass over its samples counts, by stage and iteration, what was accepted and by which rule, the hidden tests that accepted
programs fail, and false equations in accepted solutions. At each of these places some samples, drawn by hash, are given to a
second, independent grader. Of the whole run, equal numbers of accepted and refused samples are drawn for a person to label;
the labels give rates with intervals. The draw depends on the samples alone, so a repeated audit draws the same ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flows.stored.audit.draw import Draw
from flows.stored.audit.labels import Said, rates_of
from flows.stored.trace import RunRecords
from tasks.domain.audit import AuditPlace, AuditSummary, Disagreement
from tasks.domain.equations import all_hold
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Problem, Sample, Verdict
from tasks.domain.settings import VerifySettings
from tasks.graders.second_opinion import SecondGrader, second_grader
from tasks.store.artifacts import Store
from tasks.store.slots import PROBLEMS

MOST_COMPARED, MOST_LABELLED, MOST_SHOWN = 500, 50, 200
LONGEST_SHOWN = 2000  # characters of a completion among the disagreements


@dataclass(frozen=True)
class Judged:
    """A stored sample with its problem and verdict, and where in the run it was drawn."""

    place: str
    problem: Problem
    sample: Sample
    verdict: Verdict

    @property
    def accepted(self) -> bool:
        return self.verdict.label == "correct"

    @property
    def digest(self) -> str:
        """Return a name for the text, which is the same wherever the text was drawn."""
        return digest_of_text(self.sample.text)


@dataclass(frozen=True)
class Audited:
    """The summary that is stored, the samples for a person, and the labels that were given."""

    summary: AuditSummary
    to_label: tuple[Judged, ...]
    said: tuple[Said, ...] = ()
    unknown_labels: int = 0


def audit(
    store: Store, run: str, labels: Mapping[tuple[str, str], str] | None = None, most: int = MOST_COMPARED,
    to_label: int = MOST_LABELLED, second: SecondGrader | str | None = None,
) -> Audited:  # fmt: skip
    """Audit a stored run. `labels`: (problem id, digest of the text) -> right, wrong or unsure. UserError for an unknown run."""
    records = RunRecords(store, run)
    counted = _Counted(most, to_label, labels or {})
    for judged in _judged(records):
        counted.add(judged)
    if not counted.places:
        raise UserError(f"run {run!r} has no graded samples yet; run it first")
    settings = VerifySettings.model_validate(records.config["verify"])
    places, disagreements, name = _compared(counted, second or second_grader(settings))
    said = tuple(counted.said.values())
    summary = AuditSummary(run, name, places, disagreements, rates_of(said) if labels else None)
    return Audited(summary, counted.for_a_person(), said, len(labels or {}) - len(said))


def _judged(records: RunRecords) -> Iterator[Judged]:
    """Yield every graded sample of the run, range by range."""
    problems = _problems(records)
    for slot, verify in records.slots(lambda slot: slot.stage == "verify"):
        generate = records.at(replace(slot, stage="generate"))
        if generate is None:
            continue
        place = str(replace(slot, range=None, wave=None, stage=""))
        samples = {(one.problem_id, one.index): one for one in records.store.rows(records.store.ref(generate), Sample)}
        for verdict in records.store.rows(records.store.ref(verify), Verdict):
            sample, problem = samples.get((verdict.problem_id, verdict.index)), problems.get(verdict.problem_id)
            if sample is not None and problem is not None:
                yield Judged(place, problem, sample, verdict)


def _problems(records: RunRecords) -> dict[str, Problem]:
    return {
        row.id: row
        for _, manifest in records.slots(lambda slot: slot.part == PROBLEMS and not slot.stage)
        for row in records.store.rows(records.store.ref(manifest), Problem)
    }


@dataclass
class _Counted:
    """What one pass over the samples gathers. It holds only the samples that were drawn."""

    most: int
    to_label: int
    labels: Mapping[tuple[str, str], str]
    places: dict[str, AuditPlace] = field(default_factory=dict)
    drawn: dict[str, Draw[Judged]] = field(default_factory=dict)
    said: dict[tuple[str, str], Said] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_verdict = {
            True: Draw[Judged](self.to_label // 2),
            False: Draw[Judged](self.to_label - self.to_label // 2),
        }

    def add(self, one: Judged) -> None:
        self.places[one.place] = _with(self.places.get(one.place, AuditPlace(one.place)), one)
        if one.verdict.label == "verifier_error":
            return
        name = f"{one.problem.id}\0{one.digest}"
        self.drawn.setdefault(one.place, Draw(self.most)).offer(f"{one.place}\0{one.sample.id}", one)
        self.by_verdict[one.accepted].offer(name, one)
        key = (one.problem.id, one.digest)
        if key in self.labels:
            self.said.setdefault(key, Said(*key, self.labels[key], one.accepted))

    def for_a_person(self) -> tuple[Judged, ...]:
        """Return equal numbers of accepted and refused samples, mixed, so that their order reveals nothing."""
        both = [one for draw in self.by_verdict.values() for one in draw.taken()]
        return tuple(sorted(both, key=lambda one: one.digest))


def _with(place: AuditPlace, one: Judged) -> AuditPlace:
    """Return the place's counts with this sample added."""
    verdict = one.verdict
    if verdict.label == "verifier_error":
        return replace(place, samples=place.samples + 1, errors=place.errors + 1)
    if not one.accepted:
        return replace(place, samples=place.samples + 1, refused=place.refused + 1)
    hidden = verdict.evidence.get("hidden")
    return replace(
        place, samples=place.samples + 1, accepted=place.accepted + 1,
        hidden_tested=place.hidden_tested + (hidden is not None), hidden_failed=place.hidden_failed + (hidden == "failed"),
        false_equations=place.false_equations + (one.problem.kind == "math" and not all_hold(one.sample.text)),
        rules=Counter(place.rules) + Counter([str(verdict.evidence.get("rule", "-"))]),
        proofs=Counter(place.proofs) + Counter(_proof(one)),
    )  # fmt: skip


def _proof(one: Judged) -> list[str]:
    """By what a mathematical answer was accepted. Equal texts and numbers are settled before any proof and say none: they are exact."""
    evidence = one.verdict.evidence
    return [str(evidence.get("proof", "exact"))] if "found_by" in evidence else []


def _compared(
    counted: _Counted, second: SecondGrader | str
) -> tuple[tuple[AuditPlace, ...], tuple[Disagreement, ...], str]:
    """Return the places with the second grader's verdicts on the samples that were drawn there."""
    places = list(counted.places.values())
    if isinstance(second, str):
        return tuple(places), (), second
    found: list[Disagreement] = []
    try:
        for number, place in enumerate(places):
            rows = counted.drawn[place.name].taken() if place.name in counted.drawn else []
            opinions = second.opinions([(one.problem, one.sample.text) for one in rows])
            differ = [
                one for one, says in zip(rows, opinions, strict=True) if says is not None and says != one.accepted
            ]
            known = sum(says is not None for says in opinions)
            places[number] = replace(
                place, compared=known, disagreed=len(differ), only_ours=sum(one.accepted for one in differ)
            )
            found += [_disagreement(one) for one in differ]
    finally:
        second.close()
    return tuple(places), tuple(found[:MOST_SHOWN]), second.name


def _disagreement(one: Judged) -> Disagreement:
    evidence: Mapping[str, Any] = one.verdict.evidence
    return Disagreement(
        one.place, one.problem.id, one.sample.index, one.verdict.label, str(evidence.get("rule", "-")), one.problem.gold or "",
        str(evidence.get("answer", "")), one.sample.text[-LONGEST_SHOWN:],
    )  # fmt: skip


def shares(place: AuditPlace) -> Sequence[tuple[str, int, int]]:
    """Return (what, how many, of how many) for a place, leaving out what has nothing to count."""
    rows = [
        ("disagreed", place.disagreed, place.compared),
        ("accepted here only", place.only_ours, place.compared),
        ("hidden tests failed", place.hidden_failed, place.hidden_tested),
        ("false equations", place.false_equations, place.accepted),
        ("proved by no more than sampling", place.proofs.get("sampled", 0), sum(place.proofs.values())),
    ]
    return [row for row in rows if row[2]]

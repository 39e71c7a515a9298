"""maj@k: the chance that a majority vote among k of a problem's N samples names the correct answer (arXiv 2203.11171).

The expectation over all C(N, k) ways to draw the voters is computed exactly. Votes are extracted answers compared as
text: merging the answers that the grader calls correct would let the vote peek at the gold. Answers that could not be
extracted do not vote; ties are split evenly. N up to about 1000 (beyond, the binomials leave the range of floats).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, isnan, nan

import numpy as np
from numpy.typing import ArrayLike

from tasks.domain.statistics import Bounded, Floats, _matrix

Answers = Sequence[str | None]


@dataclass(frozen=True)
class Camp:
    """A camp is the samples of one problem that gave the same answer."""

    votes: int
    share: float  # how correct the answer is: 1 or 0, between if its verdicts differ


@dataclass(frozen=True)
class Ballot:
    """A ballot is all samples of one problem; `silent` ones are drawn as voters but name no answer."""

    camps: tuple[Camp, ...]
    silent: int

    @property
    def voters(self) -> int:
        return self.silent + sum(camp.votes for camp in self.camps)


def maj_at_k(answers_PN: Sequence[Answers], correct_PN: ArrayLike, k: int) -> Bounded:
    """Return the expected correctness of the vote per problem. `answers_PN` holds extracted answers, None where there is none.

    Samples whose correctness is unknown (NaN) take their answer's verdict where another sample gave the same answer;
    the rest are left out of the estimate and become, in the bounds, votes for the strongest wrong or for a right
    answer.
    """
    correct = _matrix(correct_PN, k)
    if [len(row) for row in answers_PN] != [correct.shape[1]] * len(correct):
        raise ValueError(f"answers do not match problems x samples of shape {correct.shape}")
    rows = [_ballots(answers, row) for answers, row in zip(answers_PN, correct, strict=True)]
    chances = [[_chance(ballot, k) for ballot in ballots] for ballots in rows]
    value, wrong, right = np.array(chances, float).reshape(-1, 3).T
    return Bounded(value, wrong, right)


def _ballots(answers: Answers, correct_N: Floats) -> tuple[Ballot, Ballot, Ballot]:
    """What is known, and the two extremes of what is not."""
    given: dict[str, list[float]] = defaultdict(list)
    silent = lost = 0
    for answer, correct in zip(answers, correct_N.tolist(), strict=True):
        if answer is not None:
            given[answer].append(correct)
        elif isnan(correct):
            lost += 1
        else:
            silent += 1
    known, open_votes = [], []
    for cells in given.values():
        told = [cell for cell in cells if not isnan(cell)]
        if told:
            known.append(Camp(len(cells), sum(told) / len(told)))
        else:
            open_votes.append(len(cells))
    if not lost and not open_votes:
        certain = _ballot(known, silent)
        return certain, certain, certain
    worst = _add_votes([*known, *(Camp(votes, 0.0) for votes in open_votes)], 0.0, lost)
    best = _add_votes([*known, *(Camp(votes, 1.0) for votes in open_votes)], 1.0, lost)
    return _ballot(known, silent), _ballot(worst, silent), _ballot(best, silent)


def _add_votes(camps: list[Camp], share: float, votes: int) -> list[Camp]:
    """`votes` more for the strongest camp of that share, or for a new one."""
    if votes == 0:
        return camps
    strongest = max((c for c in camps if c.share == share), key=lambda c: c.votes, default=None)
    if strongest is None:
        return [*camps, Camp(votes, share)]
    rest = list(camps)
    rest.remove(strongest)
    return [*rest, Camp(strongest.votes + votes, share)]


def _ballot(camps: list[Camp], silent: int) -> Ballot:
    """In one order, so that equal ballots are computed once."""
    return Ballot(tuple(sorted(camps, key=lambda camp: (camp.votes, camp.share))), silent)


@lru_cache(maxsize=100_000)
def _chance(ballot: Ballot, k: int) -> float:
    """Expected share of correctness among the winners, over all ways to draw k voters (or all); NaN with none."""
    k, total = min(k, ballot.voters), 0.0
    if k == 0:
        return nan
    for camp, times in Counter(ballot.camps).items():
        if camp.share > 0:
            ways = sum(_winning_ways(ballot, camp, m, k) for m in range(1, min(camp.votes, k) + 1))
            total += times * camp.share * ways
    return total / comb(ballot.voters, k)


def _winning_ways(ballot: Ballot, camp: Camp, m: int, k: int) -> float:
    """Draws of k voters in which `camp` wins with exactly m votes, a tie between t camps counting 1/t.

    `ways_TV[t, v]` counts draws of v voters from the other camps in which none has more than m votes and t have
    exactly m. Camps with fewer than m members cannot reach m: together with the silent they are one free binomial.
    """
    others = list(ballot.camps)
    others.remove(camp)
    rivals = [other.votes for other in others if other.votes >= m]
    free = ballot.voters - camp.votes - sum(rivals)
    room = k - m
    if free + m * len(rivals) < room:
        return 0.0  # so few votes each do not make k
    ways_TV = np.zeros((len(rivals) + 1, room + 1))
    ways_TV[0] = [comb(free, v) for v in range(room + 1)]
    for votes in rivals:
        ways_TV = _with_rival(ways_TV, votes, m)
    shares_T = 1 / np.arange(1, len(ways_TV) + 1)
    return comb(camp.votes, m) * float(shares_T @ ways_TV[:, room])


def _with_rival(ways_TV: Floats, votes: int, m: int) -> Floats:
    """The counts after a further camp of `votes` members may give up to m votes."""
    size = ways_TV.shape[1]
    result = np.zeros_like(ways_TV)
    for drawn in range(min(m, size)):
        result[:, drawn:] += comb(votes, drawn) * ways_TV[:, : size - drawn]
    if m < size:
        result[1:, m:] += comb(votes, m) * ways_TV[:-1, : size - m]
    return result

"""Sums of square roots, and sines of rational multiples, are decided without evaluation, and as evaluation decides them."""

from __future__ import annotations

from random import Random

import pytest

from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.values.evaluation import Evaluation
from tasks.domain.equivalence.values.numeric import FINE
from tasks.domain.equivalence.values.residues import same_rational
from tasks.domain.equivalence.values.surds import same_surds

IDENTITIES = (
    (r"2\sin 3x\cos x", r"\sin 4x+\sin 2x"), (r"\cos 2x", r"1-2\sin^2 x"), (r"\tan^2 y+1", r"\sec^2 y"),
    (r"\sin(x+\frac{\pi}{6})", r"\sin x\cos\frac{\pi}{6}+\cos x\sin\frac{\pi}{6}"), (r"\sin(\pi-x)", r"\sin x"),
    (r"\cos\frac{\pi}{3}", r"\frac12"), (r"4\cos^3\frac{x}{2}-3\cos\frac{x}{2}", r"\cos\frac{3x}{2}"),
)  # fmt: skip
NO_IDENTITIES = (
    (r"2\sin 3x\cos x", r"\sin 4x-\sin 2x"), (r"\sin(x+\frac{\pi}{6})", r"\cos(x+\frac{\pi}{6})"), (r"\sin(\pi+x)", r"\sin x"),
    (r"\cos 2x", r"1-\sin^2 x"), (r"x\sin x", r"\sin x"), (r"\cos\frac{\pi}{4}", r"\frac12"),
)  # fmt: skip


def sums(random: Random) -> str:
    """A made-up sum of square roots, some of them in denominators."""
    forms = (
        r"{a}\sqrt{{{m}}}",
        r"\frac{{{a}}}{{\sqrt{{{m}}}}}",
        r"\frac{{1}}{{{a}+\sqrt{{{m}}}}}",
        r"(1+\sqrt{{{m}}})^2",
        "{a}",
    )
    parts = [random.choice(forms).format(a=random.randint(2, 5), m=random.choice([2, 3, 8, 12, 18])) for _ in range(2)]
    return random.choice(("+", "-")).join(parts)


def test_square_roots_are_equal_exactly_when_their_values_are() -> None:
    random = Random(5)
    texts = [sums(random) for _ in range(60)]
    values = [Evaluation(FINE).value(parse(text)) for text in texts]
    for one, a in zip(texts, values, strict=True):
        for two, b in zip(texts, values, strict=True):
            assert same_surds(parse(one), parse(two)) is bool(abs(a - b) < 1e-60), (one, two)


@pytest.mark.parametrize(
    "text", [r"\sqrt[3]{2}", r"\sqrt{1+\sqrt2}", r"\pi", r"\sqrt{-1}", r"\frac10", r"\sqrt{x}", r"2^{200}"]
)
def test_other_numbers_are_left_to_other_proofs(text: str) -> None:
    assert same_surds(parse(text), parse(text)) is None


@pytest.mark.parametrize(("one", "two"), IDENTITIES)
def test_identities_of_angles_hold(one: str, two: str) -> None:
    assert same_rational(parse(one), parse(two)) is True


@pytest.mark.parametrize(("one", "two"), NO_IDENTITIES)
def test_other_angles_are_told_apart(one: str, two: str) -> None:
    assert same_rational(parse(one), parse(two)) is False


@pytest.mark.parametrize("text", [r"\sin 1", r"\sin n\pi", r"\sin x^2", r"\cos 30^\circ", r"\tan\frac{\pi}{2}"])
def test_angles_without_a_rational_form_are_left_to_other_proofs(text: str) -> None:
    assert same_rational(parse(text), parse(text)) is None

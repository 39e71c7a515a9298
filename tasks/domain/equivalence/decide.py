"""The decision on one (gold, answer, hints), as a grading worker makes it."""

from __future__ import annotations

import re
from typing import Any

from tasks.domain.equivalence import proofs
from tasks.domain.equivalence.comparing.compare import Comparison
from tasks.domain.equivalence.deciding import logic
from tasks.domain.equivalence.deciding.joined import (
    alternatives_or_both,
    joined_otherwise,
    of_other_sign,
    of_zero_product,
)
from tasks.domain.equivalence.deciding.mathematics import by_mathematics
from tasks.domain.equivalence.deciding.number_classes import same_class
from tasks.domain.equivalence.deciding.options import of_options, other_option
from tasks.domain.equivalence.deciding.parsed import parsed_equal, same_in_words
from tasks.domain.equivalence.deciding.points import by_points
from tasks.domain.equivalence.deciding.prose import is_prose, same_prose, same_statement
from tasks.domain.equivalence.exact import decide_fast
from tasks.domain.equivalence.hints import decoded
from tasks.domain.equivalence.surface.forms import in_one_form
from tasks.domain.equivalence.surface.parts import by_parts
from tasks.domain.equivalence.surface.surface import rewritten
from tasks.domain.equivalence.surface.symbols import in_symbols
from tasks.domain.equivalence.values import symbolic
from tasks.domain.equivalence.words import choices, dates, units
from tasks.domain.equivalence.words.asides import without_asides
from tasks.domain.equivalence.words.claims import contradict
from tasks.domain.equivalence.words.figures import WORDED, numbers_of_words
from tasks.domain.equivalence.words.named_values import extremes, same_named_values
from tasks.domain.equivalence.words.phrases import canonical, same_possibility
from tasks.domain.equivalence.words.statements import same_words
from tasks.domain.equivalence.words.winners import same_winner
from tasks.domain.equivalence.words.word_sets import same_names
from tasks.domain.equivalence.words.wording import has_words

_MATHEMATICS = re.compile(r"[\d=<>+*/^_|]|\\(?!text|mathrm|mathbf|textbf|mbox|left|right|,|;| |quad)")
_DIFFERS = (
    "more", "less", "fewer", "greater", "larger", "smaller", "higher", "lower", "longer", "shorter", "older", "younger", "bigger",
    "taller",
)  # fmt: skip
_MORE_OR_LESS = re.compile(
    rf"\d[\s}}$]*(?:\\text\w*\s*\{{)?\s*(?:[a-z]{{2,12}} )?(?:{'|'.join(_DIFFERS)})\s*[}}$]*\s*",
    re.IGNORECASE,
)
# Yes, they are similar: the word and its comment, which says nothing else of the kind.
_VERDICT = re.compile(
    r"\s*(?:\\text\w*\s*\{)?\s*(yes|no|true|false)\s*[,.;:—–-]\s*(?![^$]*\b(?:yes|true|false|but|however|or|wrong|unless|if|except)\b|\s*no\W*$)",
    re.IGNORECASE,
)
_ISO_DATE = re.compile(r"\d{4}-\d")


def decide(payload: list[str]) -> tuple[str, dict[str, Any]]:
    """(label, evidence) for [gold, answer, hint code, label when they differ], or for [gold]. Raises for no text."""
    if len(payload) == 1:
        return readable(payload[0])
    gold, answer, hints, otherwise = payload
    fast = decide_fast(gold, answer)
    symbolic.new_pair()
    with proofs.recorded() as ways:
        equal, rule = fast if fast is not None else equivalent(gold, answer, hints)
    evidence = {"rule": rule, "proof": proofs.weakest(ways)} if equal else {"rule": rule}
    return ("correct" if equal else otherwise), evidence


def readable(gold: str) -> tuple[str, dict[str, Any]]:
    """Whether a gold can be graded against: it parses and equals itself, or it is plain words."""
    if not gold.strip():
        return "wrong", {"rule": "empty"}
    if dates.clock(gold) or (WORDED.search(gold) and not _MATHEMATICS.search(gold) and balanced(gold)):
        return "correct", {"rule": "words"}
    gold = rewritten(gold)
    equal, rule = parsed_equal(gold, gold, "|-||", True)
    return ("correct" if equal else "wrong"), {"rule": "readable" if equal else rule}


def balanced(text: str) -> bool:
    return all(text.count(left) == text.count(right) for left, right in ("{}", "()", "[]"))


def equivalent(gold: str, answer: str, hints: str = "|-||") -> tuple[bool, str]:
    """Whether the answer means the gold, and by which rule (or why it could not be read)."""
    gold, answer, hints = by_parts(gold, answer, hints)
    gold, answer, hints = by_points(gold, answer, hints)
    gold, answer = in_symbols(gold, answer, decoded(hints).symbols)
    gold, answer = of_zero_product(gold, answer)
    gold, answer = in_one_form(gold, answer)
    if alternatives_or_both(gold, answer) or of_other_sign(gold, answer):
        return False, "claims"
    gold, answer = rewritten(gold), rewritten(answer)
    worded = has_words(gold) or has_words(answer)  # most answers have no words, and need none of what is read in them
    if worded:
        gold, answer = numbers_of_words(gold, answer)
    if other_option(gold, answer):
        return False, "choice"
    if (chosen := of_options(gold, answer, hints)) != (gold, answer):
        gold, answer = chosen
        worded = has_words(gold) or has_words(answer)
    if (worded or _ISO_DATE.search(gold)) and (of_one_day := dates.same_date(gold, answer)) is not None:
        return of_one_day, "date"
    if worded and not dates.calendar_words(gold) <= dates.calendar_words(answer):  # June 20 is not 20
        return False, "calendar"
    if logic.is_logic(gold) and logic.is_logic(answer) and logic.same_statement(gold, answer):
        proofs.note("symbolic")
        return True, "logic"
    if worded:
        values = without_asides(gold, answer, lambda one, two: parsed_equal(one, two, hints, True)[0])
        if values is None:
            return False, "aside"
        gold, answer = values
        worded = has_words(gold) or has_words(answer)
    if worded and units.of_other_case(gold, answer):
        return False, "units"
    if worded and (of_one_winner := same_winner(gold, answer, asked=_asks_who_wins(hints))) is not None:
        return of_one_winner, "winner"
    if worded and (of_one_class := same_class(gold, answer)) is not None:
        return of_one_class, "class"
    by_words = _by_words(gold, answer, hints)
    if by_words is not None:
        return by_words
    if joined_otherwise(gold, answer):
        return False, "claims"
    settled = _by_sentences(gold, answer, hints) if worded else None
    return settled or by_mathematics(gold, answer, hints, worded)


def _by_sentences(gold: str, answer: str, hints: str) -> tuple[bool, str] | None:
    """What the words of both decide, with the formulas between them; None when they leave it open."""
    if (contradict(gold, answer) and not extremes(gold, answer)) or _is_difference(gold, answer, hints):
        return False, "claims"
    by_names = same_named_values(gold, answer, lambda one, two: parsed_equal(one, two, hints, True)[0])
    if by_names is not None:
        return by_names, "named"
    by_formulas = same_words(gold, answer, lambda one, two: same_in_words(gold, answer, one, two, hints))
    if by_formulas is not None:
        return by_formulas, "prose"
    if is_prose(gold) and is_prose(answer):
        if not same_statement(gold, answer):
            return False, "different"
        if same_prose(gold, answer, Comparison(decoded(hints)).same):
            return True, "prose"
    return None


def _asks_who_wins(hints: str) -> bool:
    asked = decoded(hints)
    return asked.letters is None or "w" in asked.flags


def _is_difference(gold: str, answer: str, hints: str) -> bool:
    """5 less is no 5, unless the gold says so or the question asks how many more."""
    said = [_MORE_OR_LESS.search(side) is not None for side in (gold, answer)]
    return (
        said == [False, True]
        and "d" not in decoded(hints).flags
        and bool(_MORE_OR_LESS.fullmatch(answer[-40:], 0) or answer.rstrip(" }$.").endswith(_DIFFERS))
    )


def _by_words(gold: str, answer: str, hints: str) -> tuple[bool, str] | None:
    """Times of day and answers in words; None when neither decides."""
    clock = dates.same_clock(gold, answer, asked="c" in decoded(hints).flags)
    if clock is not None:
        return clock, "clock"
    if WORDED.search(gold) and not _MATHEMATICS.search(gold) and canonical(gold) == canonical(answer):
        return (True, "text") if not _MATHEMATICS.search(answer) else None
    if canonical(gold) in ("true", "false") and (said := _VERDICT.match(answer)):
        return canonical(gold) == canonical(said[1]), "text"
    if "v" in decoded(hints).flags and (possible := same_possibility(gold, answer)) is not None:
        return possible, "text"
    several = choices.choices(gold)
    if several and len(several) > 1 and choices.offers(answer) and not choices.offers(gold):
        return False, "choices"
    for read in (choices.choices, choices.numerals):
        if (some := read(gold)) and len(some) > 1 and (others := read(answer)):
            sequence = bool({"q", "o"} & set(decoded(hints).flags))
            return (some == others if sequence else set(some) == set(others)), "choices"
    if choices.same_choice(gold, answer):
        return True, "choice"
    if WORDED.search(gold) and WORDED.search(answer) and not (_MATHEMATICS.search(gold) or _MATHEMATICS.search(answer)):
        named = same_names(gold, answer, sequence="o" in decoded(hints).flags)
        if named is not None:
            return named, "names"
    return None

"""The decision on one (gold, answer, hints), as a grading worker makes it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tasks.domain.equivalence import logic, proofs, symbolic, texts
from tasks.domain.equivalence.claims import contradict
from tasks.domain.equivalence.compare import Comparison
from tasks.domain.equivalence.exact import decide_fast
from tasks.domain.equivalence.hints import Hints, decoded
from tasks.domain.equivalence.nodes import Node, walk
from tasks.domain.equivalence.parser import parse
from tasks.domain.equivalence.parts import by_parts
from tasks.domain.equivalence.prose import answers_prose, is_prose, same_prose, same_statement
from tasks.domain.equivalence.realsets import real_set
from tasks.domain.equivalence.statements import same_words
from tasks.domain.equivalence.surface import rewritten
from tasks.domain.equivalence.tokens import OverLimit, Unreadable
from tasks.domain.equivalence.wording import has_words

_WORDED = re.compile(r"[A-Za-z]{2}")
_MATHEMATICS = re.compile(r"[\d=<>+*/^_|]|\\(?!text|mathrm|mathbf|textbf|mbox|left|right|,|;| |quad)")
_CHOICE_MARK = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{\s*\(?(?P<mark>[A-H])[).]?\s*\}|\((?P<bare>[A-H])\))(?:\\ |~|\s|\\q?quad)*(?P<value>[^\s=,)_^].*)$",
    re.DOTALL,
)
_ONE_SET = re.compile(
    r"\b(?:roots|zeros|zeroes|solutions|values|numbers|integers|factors|divisors|primes|answers|elements|points)\b",
    re.I,
)
_DIFFERS = (
    "more", "less", "fewer", "greater", "larger", "smaller", "higher", "lower", "longer", "shorter", "older", "younger", "bigger",
    "taller",
)  # fmt: skip
_MORE_OR_LESS = re.compile(
    rf"\d[\s}}$]*(?:\\text\w*\s*\{{)?\s*(?:{'|'.join(_DIFFERS)})\s*[}}$]*\s*",
    re.IGNORECASE,
)
_INEQUALITY = re.compile(r"[<>≤≥≠]|\\(?:le|ge|leq|geq|leqslant|geqslant|lt|gt|ne|neq)(?![a-z])")
_AND = re.compile(r"(?<![A-Za-z])and(?![A-Za-z])|\\(?:land|wedge)(?![a-z])|[且∧]")
_OR = re.compile(r"(?<![A-Za-z])or(?![A-Za-z])|\\(?:lor|vee)(?![a-z])|[或∨]")
_AND_SIGN, _OR_SIGN = re.compile(r"\\(?:land|wedge)(?![a-z])|∧"), re.compile(r"\\(?:lor|vee)(?![a-z])|∨")
OPPOSITE = ([(True, False), (False, True)], [(False, True), (True, False)])
_CUP = re.compile(r"\\cup(?![a-z])|∪")
_UNEQUAL = re.compile(r"≠|\\neq?(?![a-z])|\\not\s*=|!=")
# Yes, they are similar: the word and its comment, which says nothing else of the kind.
_VERDICT = re.compile(
    r"\s*(?:\\text\w*\s*\{)?\s*(yes|no|true|false)\s*[,.;:—–-]\s*(?![^$]*\b(?:yes|true|false|but|however|or|wrong|unless|if|except)\b)",
    re.IGNORECASE,
)
MAX_NUMBER_WORDS = 60  # characters of a number in words
_TEXT_COMMAND = re.compile(r"\\(?:text\w*|mathrm|mathbf|mbox)\s*(?=\{)")
_COUNTED_WORD = re.compile(r"\s*(?:\\text\w*\s*\{)?\s*([A-Za-z]+(?:-[a-z]+)?)\s+(?=[a-z]{3,15}[\s}.$]*$)")
_SHARE = re.compile(
    r"\s*(?:\\text\w*\s*\{)?\s*(\d{1,9})[\s}$]*(?:\\text\w*\s*\{)?\s*(?:in|out of)[\s}$]*(\d{1,9})[\s}$]*"
)
_TO = re.compile(r"\s*(?:\\text\w*\s*\{)?\s*\d[\d.]*(?:[\s}$]*(?:\\text\w*\s*\{)?\s*to[\s}$]*\d[\d.]*){1,4}[\s}$]*")
_RATIO_LIKE = re.compile(r"^[\s$\d.]+(?:[:/][\s$\d.]+)+$|^\\[dt]?frac\{?\d+\}?\{?\d+\}?$")
_ISO_DATE = re.compile(r"\d{4}-\d")
_GROUPED = re.compile(r"\d,\d{3}|circled|[^\x00-\x7f]")  # what reads differently when commas do not group
_DECIMAL_COMMA = re.compile(r"(-?\d+),(\d+)")


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
    if texts.clock(gold) or (_WORDED.search(gold) and not _MATHEMATICS.search(gold) and balanced(gold)):
        return "correct", {"rule": "words"}
    gold = rewritten(gold)
    equal, rule = _parsed_equal(gold, gold, "|-||", True)
    return ("correct" if equal else "wrong"), {"rule": "readable" if equal else rule}


def balanced(text: str) -> bool:
    return all(text.count(left) == text.count(right) for left, right in ("{}", "()", "[]"))


def equivalent(gold: str, answer: str, hints: str = "|-||") -> tuple[bool, str]:
    """Whether the answer means the gold, and by which rule (or why it could not be read)."""
    answer, hints = by_parts(gold, answer, hints)
    gold, answer = rewritten(gold), rewritten(answer)
    worded = has_words(gold) or has_words(answer)  # most answers have no words, and need none of what is read in them
    if worded:
        gold, answer = _numbers_of_words(gold, answer)
    if (chosen := _of_options(gold, answer, hints)) != (gold, answer):
        gold, answer = chosen
        worded = has_words(gold) or has_words(answer)
    if (worded or _ISO_DATE.search(gold)) and (dates := texts.same_date(gold, answer)) is not None:
        return dates, "date"
    if worded and not texts.calendar_words(gold) <= texts.calendar_words(answer):  # June 20 is not 20
        return False, "calendar"
    if logic.is_logic(gold) and logic.is_logic(answer) and logic.same_statement(gold, answer):
        proofs.note("symbolic")
        return True, "logic"
    by_words = _by_words(gold, answer, hints)
    if by_words is not None:
        return by_words
    if _joined_otherwise(gold, answer):
        return False, "claims"
    settled = _by_sentences(gold, answer, hints) if worded else None
    return settled or _by_mathematics(gold, answer, hints, worded)


def _numbers_of_words(gold: str, answer: str) -> tuple[str, str]:
    """Numbers, shares and ratios in words as mathematics."""
    gold, answer = (_shares(_number_words(side)) for side in (gold, answer))
    answer = _ordinals(gold, answer)
    return _as_ratio(gold, answer), _as_ratio(answer, gold)


def _of_options(gold: str, answer: str, hints: str) -> tuple[str, str]:
    """Letters of a multiple choice against the values of its options."""
    options = decoded(hints).options
    if not (several := texts.choices(gold)) or len(several) < 2:
        answer = _without_choice(gold, answer, options)
    return _chosen_value(gold, answer, options), _chosen_option(gold, answer, options)


def _by_sentences(gold: str, answer: str, hints: str) -> tuple[bool, str] | None:
    """What the words of both decide, with the formulas between them; None when they leave it open."""
    if contradict(gold, answer) or _is_difference(gold, answer, hints):
        return False, "claims"
    by_formulas = same_words(gold, answer, lambda one, two: _parsed_equal(one, two, hints, True)[0])
    if by_formulas is not None:
        return by_formulas, "prose"
    if is_prose(gold) and is_prose(answer):
        if not same_statement(gold, answer):
            return False, "different"
        if same_prose(gold, answer, Comparison(decoded(hints)).same):
            return True, "prose"
    return None


def _by_mathematics(gold: str, answer: str, hints: str, worded: bool) -> tuple[bool, str]:
    """Both as they parse; where they differ, with the other readings of their commas, and the figures of a gold in sentences."""
    equal, rule = _parsed_equal(gold, answer, hints, True)
    if not equal and (_GROUPED.search(gold) or _GROUPED.search(answer)):
        retry, retry_rule = _parsed_equal(gold, answer, hints, False)
        equal, rule = (retry, retry_rule) if retry else (equal, rule)
    if not equal and ("," in gold + answer or "k" in decoded(hints).flags):
        equal, rule = _with_decimal_comma(gold, answer, hints, rule)
    if not worded or not is_prose(gold):
        return equal, rule
    if equal and rule == "set" and not is_prose(answer) and not _ONE_SET.search(gold):
        equal = answers_prose(gold, answer, Comparison(decoded(hints)).same)  # each figure is somebody's own
    if not equal and answers_prose(gold, answer, Comparison(decoded(hints)).same):
        return True, "prose"
    return equal, rule


def _continental(text: str) -> str:
    """3,5 as 3.5, where the question is in a language that writes so. A gold of 0.125 or 3.142 has decimals in any language."""
    text = text.strip(" $")
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def _with_decimal_comma(gold: str, answer: str, hints: str, rule: str) -> tuple[bool, str]:
    """0,5 for a gold of 0.5, and the other way round where the whole part is zero."""
    equal = False
    match = _DECIMAL_COMMA.fullmatch(answer.strip())
    ours = _DECIMAL_COMMA.fullmatch(gold.strip())
    if ours and ours[1] in ("0", "-0") and ("." in answer or "/" in answer or "frac" in answer):
        equal, _ = _parsed_equal(f"{ours[1]}.{ours[2]}", answer, hints, True)
        rule = "decimal_comma" if equal else rule
    if not equal and "k" in decoded(hints).flags:
        equal, _ = _parsed_equal(_continental(gold), _continental(answer), hints, True)
        rule = "decimal_comma" if equal else rule
    if not equal and match and "." in gold:
        equal, _ = _parsed_equal(gold, f"{match[1]}.{match[2]}", hints, True)
        rule = "decimal_comma" if equal else rule
    return equal, rule


def _is_difference(gold: str, answer: str, hints: str) -> bool:
    """5 less is no 5, unless the gold says so or the question asks how many more."""
    said = [_MORE_OR_LESS.search(side) is not None for side in (gold, answer)]
    return (
        said == [False, True]
        and "d" not in decoded(hints).flags
        and bool(_MORE_OR_LESS.fullmatch(answer[-40:], 0) or answer.rstrip(" }$.").endswith(_DIFFERS))
    )


def _joined_otherwise(gold: str, answer: str) -> bool:
    """Whether `and` stands on one side and `or` (or a union) on the other: of inequalities, or of letters of logic."""
    related = [_INEQUALITY.search(side) is not None for side in (gold, answer)]
    if not any(related):
        signs = [(bool(_AND.search(side)), bool(_OR.search(side))) for side in (gold, answer)]
        signed = any(sign.search(side) for side in (gold, answer) for sign in (_AND_SIGN, _OR_SIGN))
        return signed and signs in OPPOSITE and "=" not in gold + answer
    unequal = any(_UNEQUAL.search(side) for side in (gold, answer))  # a > 0 and a != 1 is a union
    said = [
        (bool(_AND.search(side)), bool(_OR.search(side) or (not unequal and _CUP.search(side))))
        for side in (gold, answer)
    ]
    if said in OPPOSITE:
        return (related[1] and said[1][0]) or (related[0] and said[0][0])
    alone = {(False, False), (False, True)} == set(said) and not unequal
    return alone and _covers_everything(answer if said[1][1] else gold)


def _covers_everything(text: str) -> bool:
    """x >= 1 or x <= 4 is every number, though a list of these two bounds is an interval."""
    try:
        node = parse(text)
    except Unreadable:
        return False
    found = real_set(node) if node.op == "list" and len(node.args) == 2 else None
    return found is not None and found.op == "inter"


def _number_words(text: str) -> str:
    """twenty-five as 25."""
    if not _WORDED.search(text) or len(text) > MAX_NUMBER_WORDS:
        return text
    bare = _TEXT_COMMAND.sub("", text).strip("{}$. ")
    size = texts.word_number(bare.removeprefix("-"))
    signed = -size if size is not None and bare.startswith("-") else size
    value = texts.word_fraction(bare) if signed is None else signed
    if value is None and (counted := _COUNTED_WORD.match(text)) and counted[1].casefold() in texts.NUMBER_WORDS:
        return f"{texts.NUMBER_WORDS[counted[1].casefold()]} \\text{{ {text[counted.end() :].strip('{}$. ')} }}"
    return text if value is None else str(value)


def _ordinals(gold: str, answer: str) -> str:
    """`the third` as 3, for a gold that is a whole number."""
    if not gold.strip(" $").isdigit() or not _WORDED.search(answer) or len(answer) > MAX_NUMBER_WORDS:
        return answer
    value = texts.ordinal_number(_TEXT_COMMAND.sub("", answer).strip("{}$. "))
    return answer if value is None else str(value)


def _shares(text: str) -> str:
    """`1 in 5` and `1 out of 5` as fractions."""
    match = _SHARE.fullmatch(text) if len(text) <= MAX_NUMBER_WORDS and (" in " in text or " of " in text) else None
    return rf"\frac{{{match[1]}}}{{{match[2]}}}" if match else text


def _as_ratio(text: str, other: str) -> str:
    """`2 to 3` as 2:3, beside a ratio or a fraction."""
    if "to" not in text or not _RATIO_LIKE.search(other) or not (match := _TO.fullmatch(text)):
        return text
    return ":".join(re.findall(r"\d+(?:\.\d+)?", match.group()))


def _without_choice(gold: str, answer: str, options: tuple[str, ...]) -> str:
    """(B) 12 as 12, when the gold is no choice; as the option that (B) is, when that is listed and another value."""
    match = _CHOICE_MARK.match(answer)
    if match is None or texts.choice(gold) is not None:
        return answer
    listed = next((option[1:] for option in options if option[0] == (match["mark"] or match["bare"])), None)
    if listed is not None and not _parsed_equal(gold, listed, "|-||", True)[0]:
        return listed
    return match["value"]


def _chosen_option(gold: str, answer: str, options: tuple[str, ...]) -> str:
    """The option that a letter names, when the gold is its value and the question lists the options."""
    letter = texts.bare_choice(answer) if options else None
    if letter is None or texts.choice(gold) is not None:
        return answer
    return next((option[1:] for option in options if option[0] == letter), answer)


def _chosen_value(gold: str, answer: str, options: tuple[str, ...]) -> str:
    """The text of the option that the gold names, for an answer that is no letter."""
    letter = texts.bare_choice(gold) if options and texts.choice(answer) is None else None
    return next((option[1:] for option in options if option[0] == letter), gold)


def _by_words(gold: str, answer: str, hints: str) -> tuple[bool, str] | None:
    """Times of day and answers in words; None when neither decides."""
    clock = texts.same_clock(gold, answer, asked="c" in decoded(hints).flags)
    if clock is not None:
        return clock, "clock"
    if _WORDED.search(gold) and not _MATHEMATICS.search(gold) and texts.canonical(gold) == texts.canonical(answer):
        return (True, "text") if not _MATHEMATICS.search(answer) else None
    if texts.canonical(gold) in ("true", "false") and (said := _VERDICT.match(answer)):
        return texts.canonical(gold) == texts.canonical(said[1]), "text"
    several = texts.choices(gold)
    if several and len(several) > 1 and (others := texts.choices(answer)):
        return several == others, "choices"
    if texts.same_choice(gold, answer):
        return True, "choice"
    return None


def _parsed_equal(gold: str, answer: str, hints: str, commas_group: bool) -> tuple[bool, str]:
    try:
        one, two = _parsed_gold(gold, commas_group), parse(answer, commas_group)
    except OverLimit as error:
        return False, f"over_limit:{error}"
    except Unreadable:
        return False, "unparsed"
    comparison = Comparison(decoded(hints))
    equal = comparison.answers(one, two)
    if equal and (rule := wrong_form(one, two, comparison.hints)):
        return False, rule
    return equal, comparison.rule if equal else "different"


def wrong_form(gold: Node, answer: Node, hints: Hints) -> str | None:
    """Why an equal expression is not what the question asked for: it says factor (or expand), and this is not."""
    if "f" in hints.flags and _is_product(gold) and answer.op == "add":
        return "not_factored"
    if "x" in hints.flags and gold.op == "add" and not any(map(_is_product, walk(gold))) and _is_product(answer):
        return "not_expanded"
    return None


def _is_product(node: Node) -> bool:
    """A product or power of sums."""
    return node.op in ("mul", "pow") and any(arg.op == "add" or _is_product(arg) for arg in node.args)


@lru_cache(maxsize=8192)
def _parsed_gold(text: str, commas_group: bool) -> Node:
    return parse(text, commas_group)

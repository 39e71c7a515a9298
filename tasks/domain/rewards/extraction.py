"""Find the final answer in a completion.

A completion states its answer (`box`, `tag`, `hashes`, `phrase`), or it does not, and then the end of its text is searched
(`bare`, `math`, `last_number`):

| tag | what |
|---|---|
| box | the last balanced `\\boxed{...}` that is not empty |
| tag | the last `<answer>...</answer>` |
| hashes | the line after the last `####` |
| phrase | what follows the last "the answer is", "Answer:", "答案：" and their like in a dozen languages |
| bare | the whole completion, when it is one short line of mathematics |
| math | the last formula of the last sentence |
| last_number | the last number |

Of several statements the last clear one counts, so a solution that corrects itself is not punished; statements that are joined
by `and`, `or`, a comma, or offered as alternatives are one answer of several parts, so a hedge is not accepted for one of them.
All scans are linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tasks.domain.equivalence.unicode import plain
from tasks.domain.rewards.completion import legible, own, unmarked, visible
from tasks.domain.rewards.labels import Label, is_aside, labels
from tasks.domain.rewards.sentences import (
    FORMULA_LENGTH,
    MATH,
    MAX_ANSWER,
    SENTENCE_END,
    answer_of,
    first_sentence,
    is_formula,
    last_number_in,
    trimmed,
    unwrapped,
    words_outside,
)

MAX_TEXT = 100_000  # characters looked at, from the end
MAX_VERDICT = 80  # characters of a sentence that says yes or no
MAX_STATEMENTS = 12  # of each kind, from the end
Tag = Literal["box", "tag", "hashes", "phrase", "bare", "math", "last_number"]

_NUMBER = r"[-−]?\d+(?:\.\d+|/\d+)?"
_AFFIRMED = re.compile(r"(yes|no|true|false)\b[\s,.;:—–-]*\b(?:because|since|as|for|due to)\b", re.IGNORECASE)
_VERDICT = re.compile(
    r"\W*(yes|no|true|false)\**\s*[,.]\s(?!.*\b(?:yes|no|true|false|but|however|or)\b)|(?:the )?(?:statement|claim|assertion|answer|proposition) is \W*(true|false)\W*$",
    re.IGNORECASE,
)
# Several values that one sentence announces: `The roots are $4$ and $-1$`.
_PLURAL = re.compile(
    r"\b(?:roots|solutions|zeros|zeroes|values|answers|numbers|soluciones|raíces|lösungen|nullstellen|racines|корни|решения|soluzioni|soluções|raízes)\b[^.?!\d]{0,60}$",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:,\s*)?(?:and|or|y|o|et|ou|und|oder|e|и|или|和|或)?\s*", re.IGNORECASE)
_ASSIGNED = re.compile(r"\s*([A-Za-z](?:_\{?\w\}?)?)\s*=(?!.*=)", re.DOTALL)
_NUMBERS = re.compile(
    rf"(?:{_NUMBER})(?:(?:\s*,\s*|\s+)(?:(?:and|or|y|o|et|ou|und|oder|e|и|или)\s+)?(?:{_NUMBER}))+[.\s]*$"
)
_ABOUT = re.compile(r"\b(?:about|approximately|approx|roughly|around)\b|≈|\\approx", re.IGNORECASE)
_LETTER_IS = re.compile(
    r"(?:(?:so|thus|hence|therefore|then),?\s+)?\$?[a-zA-Z]\$?\s+(?:is|equals)\s+(?=[-−\d$\\])", re.IGNORECASE
)
_BOX = re.compile(r"\\f?boxed\s*(?=[{\d\\a-zA-Z])")
_LEAD_IN = re.compile(
    r"(?:>\s+|\(answer\)\s*|(?:final|total|result)\s*:\s*|(?:therefore|thus|hence|so|then|finally|consequently)\b,?\s+"
    r"|(?:we (?:get|have|find|obtain|see)|it'?s|it is|this (?:is|gives)|which (?:is|gives)|i get)\s+(?=[-−\d$\\*(])|(?:итого|всего)\s*:?\s+)+",
    re.IGNORECASE,
)
_BOLD = re.compile(r"\*\*([^*]{1,200})\*\*\.?")
_UNBRACED, _BRACE = re.compile(r"\\?[a-zA-Z]+|\d[\d.,]*\d|\d"), re.compile(r"\\.|[{}]")
_LEAD = re.compile(r"[*:_> \n$]*")  # between a label and its answer
_JOIN = re.compile(
    r"(?:[\s,;$&/]|\\[()\[\],;:! ]|\\q?quad|\\\\|(?:\\text\s*)?\{?\s*\b(?:and|or)\b\s*\}?)*(?:[a-z](?:_\{?\w\}?)?\s*=\s*)?",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"[\s$]*[a-z]{3,15}(?: [a-z]{3,15})?,? and[\s$]*")  # \boxed{1} papers and \boxed{2} bins
_OFFERED = re.compile(
    r"\b(?:or|alternatively|otherwise|maybe|perhaps|possibly|either|else|another|also|might|could)\b", re.IGNORECASE
)
_TAKEN_BACK = re.compile(
    r"\b(?:not|but|wait|wrong|actually|correct\w*|instead|so|thus|hence|therefore|then|mistake|error|rather|check|recheck|let|because|since|no)\b",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(
    r"(?:\\(?:q?quad|[,;:! ]|ldots|cdots|dots|square|Box|hspace\{[^{}]*\}|phantom\{[^{}]*\})|[\s$.…?_~\[\]<>*-]"
    r"|(?:\\text\w*\s*)?\{?\s*(?:your |the |my |final |insert |number |numerical )*(?:answer|ANSWER|solution|result|value)(?: here)?\s*\}?)*"
)
_EMPTY_BOX = re.compile(r"\\boxed\s*\{\s*\}")
_TAG = re.compile(
    r"<(answer|final_answer|finalanswer|final-answer|ans)\s*>(.*?)(?:</\1\s*>|\Z)|\[(ANSWER)\](.*?)(?:\[/ANSWER\]|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_TAG_START = re.compile(r"<a|<f|\[a", re.IGNORECASE)
# What may also hold the output of a tool, or a whole solution: an answer only where nothing outside of it states one.
_LOOSE_TAG = re.compile(r"<(solution|result|output)\s*>([^<]{1,200})</\1\s*>", re.IGNORECASE)
_HASHES, _LINE = re.compile(r"####[ \t]*"), re.compile(r"\s*([^\n]*)")
_NOT_CLEAR = re.compile(
    r"\b(?:approximately|about|roughly|around|nearly|almost|not|correct|wrong|incorrect|right|above|below)\b|≈|\\approx",
    re.IGNORECASE,
)
_CLEAR = re.compile(r"[\d\\]|^\(?[A-Ha-z]\)?$|^(?:yes|no|true|false|none)$", re.IGNORECASE)


class Found(NamedTuple):
    """This record is an answer and where it stood."""

    answer: str
    tag: Tag


class Statement(NamedTuple):
    """An answer that the text states, and the span in which it does."""

    start: int
    end: int
    answer: str
    tag: Tag
    aside: bool = False  # it talks of an answer without giving it

    @property
    def clear(self) -> bool:
        """Whether it may overrule a box that stands before it."""
        return (
            not self.aside
            and is_formula(self.answer)
            and bool(_CLEAR.search(self.answer))
            and not _NOT_CLEAR.search(self.answer)
        )


def extract(text: str) -> Found | None:
    """The final answer of a completion; None when it has none."""
    text = unmarked(legible(visible(text[-MAX_TEXT:])))
    found = _stated(text) or _unstated(text)
    return found if found and found.answer and len(found.answer) <= MAX_ANSWER else None


def boxes(text: str) -> str | None:
    """Return the content of the last box, or of the boxes joined to it."""
    found = _boxes(text)
    return _joined_statements(text, found).answer if found else None


# what a text states


def _stated(text: str) -> Found | None:
    statements = _statements(text)
    if not statements:
        return None
    own_text = own(text, statements[0].end)
    if len(own_text) < len(text):
        text, statements = own_text, _statements(own_text) or statements[:1]
    final = _final(text, statements)
    return Found(final.answer, final.tag) if final.answer else None


def _statements(text: str) -> list[Statement]:
    """All statements in the order of the text; one within another is left out, and a phrase that leads to a box is the box."""
    boxed = _boxes(text)
    found = [*boxed, *_tags(text), *_hashes(text), *_phrases(text, boxed)]
    loose = _loose_tags(text)
    if loose and all(any(tag.start <= one.start < tag.end for tag in loose) for one in found):
        return loose
    kept: list[Statement] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if kept and one.end <= kept[-1].end and kept[-1].tag in ("box", "tag"):
            continue
        if kept and one.start < kept[-1].end:
            kept[-1] = one._replace(start=min(one.start, kept[-1].start)) if one.tag in ("box", "tag") else kept[-1]
            if one.tag in ("box", "tag"):
                continue
            if one.tag == "hashes" or one.end <= kept[-1].end:
                continue
        kept.append(one)
    return kept


def _final(text: str, statements: list[Statement]) -> Statement:
    """The last clear statement, with the alternatives offered beside it."""
    if len(statements) == 1:
        return statements[0]
    given = [one for one in statements if not one.aside] or statements
    for tag in ("box", "tag", "hashes", "phrase"):
        last = next((at for at in reversed(range(len(given))) if given[at].tag == tag), None)
        if last is not None:
            break
    assert last is not None
    later = [at for at in range(last + 1, len(given)) if given[at].clear]
    return _joined_statements(text, given[: (later[-1] if later else last) + 1])


def _joined_statements(text: str, statements: list[Statement]) -> Statement:
    """The last statement as one with those joined to it."""
    first = len(statements) - 1
    while (
        first > 0
        and statements[first].tag != "hashes"
        and not _stated_anew(text, statements[first - 1], statements[first])
        and _joined(text[statements[first - 1].end : statements[first].start])
    ):
        first -= 1
    if first == len(statements) - 1:
        return statements[-1]
    answers = list(dict.fromkeys(one.answer for one in statements[first:]))
    return statements[-1]._replace(answer=", ".join(answers))


def _stated_anew(text: str, before: Statement, after: Statement) -> bool:
    """Whether a label on a line of its own follows a box: `Answer: 18` under it is said last, not said beside it."""
    gap = text[before.end : after.start].strip(" .$*")
    return before.tag == "box" and after.tag == "phrase" and "\n" in gap and not gap.strip()


def _joined(gap: str) -> bool:
    """Whether two statements with this between them are one answer."""
    if len(gap) > 80:
        return False
    if _JOIN.fullmatch(gap):
        return True
    return bool(_COUNTED.fullmatch(gap) or _OFFERED.search(gap)) and not _TAKEN_BACK.search(gap)


def _boxes(text: str) -> list[Statement]:
    """The boxes that close; without any, those that do not."""
    matches = list(_box_starts(text))[-MAX_STATEMENTS:]
    found = [box for match in matches if (box := _content(text, match))]
    found = found or [box for match in matches if (box := _unclosed(text, match))]
    return [box for box in found if not _NO_ANSWER.fullmatch(box.answer)]


def _box_starts(text: str) -> Iterator[re.Match[str]]:
    at = text.find("boxed")
    while at >= 0:
        if match := _BOX.match(text, at - (2 if text.startswith("\\f", at - 2) else 1)):
            yield match
        at = text.find("boxed", at + 1)


def _content(text: str, match: re.Match[str]) -> Statement | None:
    """The box; None when it does not close."""
    at = match.end()
    if text[at] != "{":  # \boxed 5
        bare = _UNBRACED.match(text, at)
        return Statement(match.start(), bare.end(), bare.group(), "box") if bare else None
    depth = 0
    for brace in _BRACE.finditer(text, at, at + MAX_ANSWER):
        sign = brace.group()
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return Statement(match.start(), brace.end(), text[at + 1 : brace.start()].strip(), "box")
    return None


def _unclosed(text: str, match: re.Match[str]) -> Statement | None:
    """A box that never closes: what stands on the rest of its line, when that is mathematics."""
    if text[match.end()] != "{":
        return None
    line = _LINE.match(text, match.end() + 1, match.end() + 2 + FORMULA_LENGTH)
    content = line[1] if line else ""
    content = trimmed(re.split(r"\$|\\\]|\\\)", content)[0])
    content += "}" * max(0, content.count("{") - content.count("}"))
    if not content or not line or not is_formula(content):
        return None
    return Statement(match.start(), line.end(), content, "box")


def _tags(text: str) -> list[Statement]:
    """`<answer>42</answer>`, also when it is left open at the end."""
    if "[ANSWER]" not in text and not ("<" in text and _TAG_START.search(text)):
        return []
    matches = list(_TAG.finditer(text))[-MAX_STATEMENTS:]
    found = [Statement(m.start(), m.end(), _inside(m[2] or m[4] or ""), "tag") for m in matches]
    return [one for one in found if one.answer]


def _loose_tags(text: str) -> list[Statement]:
    """`<result>42</result>` and its like."""
    matches = list(_LOOSE_TAG.finditer(text))[-MAX_STATEMENTS:] if "</" in text else []
    found = [Statement(m.start(), m.end(), _inside(m[2]), "tag") for m in matches]
    return [one for one in found if one.answer]


def _inside(content: str) -> str:
    """The answer in a tag, which may hold a whole sentence."""
    content = content[:MAX_ANSWER].strip()
    if _NO_ANSWER.fullmatch(content):
        return ""
    stated = _final(content, inner) if (inner := [*_boxes(content), *_phrases(content, [])]) else None
    return stated.answer if stated else answer_of(content if is_formula(content) else first_sentence(content))


def _hashes(text: str) -> list[Statement]:
    found = []
    for match in list(_HASHES.finditer(text))[-MAX_STATEMENTS:] if "####" in text else []:
        line = _LINE.match(text, match.end(), match.end() + 2 * MAX_ANSWER)
        answer = trimmed(line[1]) if line else ""
        if line and answer and not answer.startswith("#"):
            found.append(Statement(match.start(), line.end(), answer, "hashes"))
    return found


def _phrases(text: str, boxed: list[Statement]) -> list[Statement]:
    """What follows the labels; a label that leads to a box is one statement with it."""
    at_start = {box.start: box for box in boxed}
    found: list[Statement] = []
    for label in labels(text)[-MAX_STATEMENTS:]:
        lead = _LEAD.match(text, label.end)
        box = at_start.get(lead.end()) if lead else None
        one = box._replace(start=label.start) if box else _phrase(text, label)
        if box or (one.answer and not _NO_ANSWER.fullmatch(one.answer)):
            found.append(one)
    return found


def _phrase(text: str, label: Label) -> Statement:
    aside = is_aside(text, label)
    if label.letter:
        return Statement(label.start, label.end, label.letter, "phrase", aside)
    rest = text[label.end : label.end + 2000]
    rest = _EMPTY_BOX.sub("", rest) if "boxed" in rest else rest
    lead = len(rest) - len(rest.lstrip("*:_> \n"))
    sentence = first_sentence(rest[lead:]).partition("【")[0]  # 【答案】A【解析】...
    if sentence.endswith("```") and sentence.count("```") == 1:  # of the fence around all of it
        sentence = sentence[:-3].rstrip()
    if sentence.endswith("}") and sentence.count("}") > sentence.count("{"):  # {"answer": 42}
        sentence = sentence[:-1].rstrip()
    return Statement(label.start, label.end + lead + len(sentence), answer_of(sentence), "phrase", aside)


# what the end of a text shows


def _unstated(text: str) -> Found | None:
    text = unwrapped(_EMPTY_BOX.sub("", text))
    return _affirmed(text) or _bare(text) or _math(text) or _last_number(text)


def _affirmed(text: str) -> Found | None:
    """`Yes, because 7 has no divisors.`: what stands behind the word is its reason."""
    match = _AFFIRMED.match(text.strip()) if len(text) <= FORMULA_LENGTH else None
    match = match or (_VERDICT.match(text.strip()) if len(text) <= MAX_VERDICT else None)
    return Found(match[1] or match[2], "bare") if match else None


def _bare(text: str) -> Found | None:
    stripped = _without_lead(text.strip())
    if (named := _LETTER_IS.match(stripped)) and is_formula(stripped[named.end() :]):
        return Found(trimmed(stripped[named.end() :]), "bare")
    if len(stripped) > FORMULA_LENGTH * 4 or "\n\n" in stripped:
        return None
    words = words_outside(stripped)
    mathematics = re.search(r"[\d\\=<>^_+]|^\$?[a-zA-Z]\$?$", plain(stripped))
    if not mathematics or len(words) > 5 or ("$" in stripped and words and MATH.search(stripped)):
        return None
    prose = len(words) > 2 and not re.search(r"[:=]", stripped)
    return None if prose else Found(trimmed(stripped), "bare")


def _without_lead(text: str) -> str:
    """`We get **37**.`, `Therefore, x = 37.` and `> **37**`, without what leads to the value."""
    lead = _LEAD_IN.match(text) if len(text) <= FORMULA_LENGTH else None
    value = text[lead.end() :] if lead else text
    bold = _BOLD.fullmatch(value)
    value = bold[1] if bold else value
    return text if words_outside(value) else value


def _math(text: str) -> Found | None:
    """The last formula, when the last sentence has one and does not end in a number of its own."""
    stripped = text.strip()
    cut = max(
        (match.end() for match in SENTENCE_END.finditer(stripped, max(0, len(stripped) - 1500), len(stripped) - 1)),
        default=0,
    )
    sentence = stripped[max(cut, len(stripped) - 1500) :]
    formulas = list(MATH.finditer(sentence))
    if not formulas:
        return None
    tail = sentence[formulas[-1].end() :]
    after = last_number_in(tail)
    if after and not _ABOUT.search(tail):
        return Found(after, "last_number")
    return Found(_together(sentence, formulas) or _formula(formulas[-1]), "math")


def _formula(match: re.Match[str]) -> str:
    return trimmed(next(filter(None, match.groups())))


def _together(sentence: str, formulas: list[re.Match[str]]) -> str | None:
    """The last formulas, when the sentence announces several values or all of them are of one letter."""
    first = len(formulas) - 1
    while first and _AND.fullmatch(sentence[formulas[first - 1].end() : formulas[first].start()]):
        first -= 1
    found = [_formula(match) for match in formulas[first:]]
    if len(found) < 2:
        return None
    named = {match[1] if (match := _ASSIGNED.match(one)) else one for one in found}
    announced = _PLURAL.search(sentence[max(0, formulas[first].start() - 120) : formulas[first].start()])
    return ", ".join(found) if announced or len(named) == 1 else None


def _last_number(text: str) -> Found | None:
    end = text.rstrip()[-200:]
    if (several := _NUMBERS.search(end)) and _PLURAL.search(end[: several.start()]):
        return Found(", ".join(re.findall(_NUMBER, several.group())), "last_number")
    number = last_number_in(text)
    return Found(number, "last_number") if number else None

"""What a text states as its answer: in boxes and tags, behind hashes and labels."""

from __future__ import annotations

import re

from tasks.domain.rewards.extraction.boxed import LINE, boxes_in
from tasks.domain.rewards.extraction.completion import own
from tasks.domain.rewards.extraction.joining import last_statement
from tasks.domain.rewards.extraction.labels import Label, denies, is_aside, labels
from tasks.domain.rewards.extraction.sentences import MAX_ANSWER, answer_of, first_sentence, is_formula, trimmed
from tasks.domain.rewards.extraction.statement import MAX_STATEMENTS, NO_ANSWER, Found, Statement

_LEAD = re.compile(r"[*:_> \n$]*")  # between a label and its answer
_PHRASE_LEAD = re.compile(r"(?:[*:_ ]|\n[ >]*)*")  # > 5 on the line of its label is an inequality, not a quotation
# Whoever says it stands right before the verb: in `After some algebra, we get` and `The key observation gives` nobody else does.
_OTHERS_SAY = re.compile(
    r"\b(?:(?:(?:some|many|most|other)(?:\s+(?:people|students|books|sources))?|(?<!the )others|someone)\s+(?:\w+ly\s+|might\s+|may\s+|would\s+)?"
    r"(?:say|claim|think|believe|get|got|write|wrote|answer|give)|(?:people|students?|textbook|book|key)\s+(?:\w+ly\s+|might\s+|may\s+|would\s+)?"
    r"(?:say|claim|think|believe|wrote|write|answer)|(?:answer key|textbook)\s+give)(?:s|ed)?\b(?:(?!\b(?:we|I)\b)[^.,;\n]){0,20}$",
    re.IGNORECASE,
)
EMPTY_BOX = re.compile(r"\\boxed\s*\{\s*\}")
_TAG = re.compile(
    r"<(answer|final_answer|finalanswer|final-answer|ans)\s*>(.*?)(?:</\1\s*>|\Z)|\[(ANSWER)\](.*?)(?:\[/ANSWER\]|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_TAG_START = re.compile(r"<a|<f|\[a", re.IGNORECASE)
# What may also hold the output of a tool, or a whole solution: an answer only where nothing outside of it states one.
_LOOSE_TAG = re.compile(r"<(solution|result|output)\s*>([^<]{1,200})</\1\s*>", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]*")


def stated_answer(text: str) -> Found | None:
    statements = _statements(text)
    if not statements:
        return None
    own_text = own(text, statements[0].end)
    if len(own_text) < len(text):
        text, statements = own_text, _statements(own_text) or statements[:1]
    final = last_statement(text, statements)
    return Found(final.answer, final.tag) if final.answer else None


def _statements(text: str) -> list[Statement]:
    """All statements in the order of the text; one within another is left out, and a phrase that leads to a box is the box."""
    boxed = boxes_in(text)
    boxed = [one._replace(aside=_said_by_others(text, one)) for one in boxed] if len(boxed) > 1 else boxed
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


def _said_by_others(text: str, box: Statement) -> bool:
    return bool(_OTHERS_SAY.search(text[max(0, box.start - 100) : box.start].rstrip(" $")))


def _tags(text: str) -> list[Statement]:
    """`<answer>42</answer>`, also when it is left open at the end."""
    if "[ANSWER]" not in text and not ("<" in text and _TAG_START.search(text)):
        return []
    matches = list(_TAG.finditer(text))[-MAX_STATEMENTS:]
    found = [Statement(m.start(), m.end(), _inside(m[2] or m[4] or ""), "tag") for m in matches]
    return [one for one in found if one.answer]


def _loose_tags(text: str) -> list[Statement]:
    """`<result>42</result>` and its like."""
    matches = list(_LOOSE_TAG.finditer(text))[-MAX_STATEMENTS:] if "<" in text and "</" in text else []
    found = [Statement(m.start(), m.end(), _inside(m[2]), "tag") for m in matches]
    return [one for one in found if one.answer]


def _inside(content: str) -> str:
    """The answer in a tag, which may hold a whole sentence."""
    content = content[:MAX_ANSWER].strip()
    if NO_ANSWER.fullmatch(content):
        return ""
    stated = last_statement(content, inner) if (inner := [*boxes_in(content), *_phrases(content, [])]) else None
    return stated.answer if stated else answer_of(content if is_formula(content) else first_sentence(content))


def _hashes(text: str) -> list[Statement]:
    found: list[Statement] = []
    if "#" not in text or "####" not in text:
        return found
    for match in list(_HASHES.finditer(text))[-MAX_STATEMENTS:]:
        line = LINE.match(text, match.end(), match.end() + 2 * MAX_ANSWER)
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
        if not box and (denies(text, label) or text[one.end : one.end + 1] == "?"):
            continue
        if box or (one.answer and not NO_ANSWER.fullmatch(one.answer)):
            found.append(one)
    return found


def _phrase(text: str, label: Label) -> Statement:
    aside = is_aside(text, label)
    if label.letter:
        return Statement(label.start, label.end, label.letter, "phrase", aside)
    rest = text[label.end : label.end + 2000]
    rest = EMPTY_BOX.sub("", rest) if "boxed" in rest else rest
    lead = _PHRASE_LEAD.match(rest)
    lead_length = lead.end() if lead else 0
    sentence = first_sentence(rest[lead_length:]).partition("【")[0]  # 【答案】A【解析】...
    if sentence.endswith("```") and sentence.count("```") == 1:  # of the fence around all of it
        sentence = sentence[:-3].rstrip()
    if sentence.endswith("}") and sentence.count("}") > sentence.count("{"):  # {"answer": 42}
        sentence = sentence[:-1].rstrip()
    return Statement(label.start, label.end + lead_length + len(sentence), answer_of(sentence), "phrase", aside)

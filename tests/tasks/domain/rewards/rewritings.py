"""Other spellings of a gold answer that are right, and near misses that are wrong.

All of it works on the string, not through the grader's own parser, so that the two cannot share a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction

_TEXT = re.compile(r"\\(?:text|mbox|textnormal)\{[^{}]*\}")
_WORDS_ONLY = re.compile(r"\s*\\(?:text|textbf|mathrm)\{\s*\(?([A-Za-z][A-Za-z ]*)\)?\s*\}\s*|[A-Z]{1,6}")
_INTEGER = re.compile(r"-?\d+")
_SIMPLE_FRACTION = re.compile(r"(-?)\\[dt]?frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))")
_PAIR = re.compile(r"(?:\\left)?([(\[])(.*)(?:\\right)?([)\]])", re.DOTALL)


def split(text: str, separators: str) -> list[str]:
    """Parts between separators that stand outside all brackets; `+-` keep their sign on the right part."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(character, 0)
        if depth == 0 and character in separators and at > 0:
            if character in "+-" and text[:at].rstrip()[-1:] in ("", "^", "_", "{", "(", ",", "=", "*", "+", "-"):
                continue
            parts.append(text[start:at])
            start = at if character in "+-" else at + 1
    return [*parts, text[start:]]


def is_words(gold: str) -> bool:
    return bool(_WORDS_ONLY.fullmatch(gold))


def is_plain_list(gold: str) -> bool:
    return (
        len(split(gold, ",")) > 1 and "\\!" not in gold and "{," not in gold and not re.search(r"\d,\d{3}(?!\d)", gold)
    )


def is_sum(gold: str) -> bool:
    bad = (
        ".",
        "=",
        "<",
        ">",
        "\\le",
        "\\ge",
        "\\text",
        "\\begin",
        "\\pm",
        "\\cup",
        ":",
        "_",
        "\\mbox",
        "\\in",
        ",",
        "\\approx",
    )
    return len(split(gold, "+-")) > 1 and not any(word in gold for word in bad)


# right spellings


def rewritings(gold: str) -> Iterator[tuple[str, str]]:
    """(kind, other spelling) for every rewriting that applies."""
    for kind, rewrite in RIGHT.items():
        other = rewrite(gold)
        if other is not None and other != gold:
            yield kind, other


def _frac(style: str) -> Callable[[str], str | None]:
    return lambda gold: re.sub(r"\\[dtc]?frac(?![a-z])", lambda _: "\\" + style, gold) if "frac" in gold else None


def _slash(gold: str) -> str | None:
    match = _SIMPLE_FRACTION.fullmatch(gold.strip())
    return f"{match[1]}{match[2] or match[4]}/{match[3] or match[5]}" if match else None


def _value(gold: str) -> Fraction | None:
    slashed = _slash(gold)
    return Fraction(slashed) if slashed and not slashed.endswith("/0") else None


def _decimal(gold: str) -> str | None:
    value = Fraction(gold) if _INTEGER.fullmatch(gold) else _value(gold)
    if value is None or (value.denominator == 1 and not _INTEGER.fullmatch(gold)):
        return None
    shifted = value * 10**6
    if shifted.denominator != 1:
        return None
    digits = f"{abs(int(shifted)):07d}"
    text = f"{digits[:-6]}.{digits[-6:]}".rstrip("0")
    return ("-" if value < 0 else "") + (text + "0" if text.endswith(".") else text)


def _mixed(gold: str) -> str | None:
    value = _value(gold)
    if value is None or abs(value) < 1 or value.denominator == 1:
        return None
    whole, rest = divmod(abs(value), 1)
    return f"{'-' if value < 0 else ''}{whole}\\frac{{{rest.numerator}}}{{{rest.denominator}}}"


def _respaced(space: str) -> Callable[[str], str | None]:
    def rewrite(gold: str) -> str | None:
        if _TEXT.search(gold) or is_words(gold) or "\\ " in gold:
            return None
        bare = re.sub(r"(?<=[^a-zA-Z\\]) +| +(?=[^a-zA-Z\d ])", "", gold.strip())
        grouped = "{," in bare or "\\!" in bare
        return bare if grouped else re.sub(r"[+=,&]", lambda match: f"{space}{match.group()}{space}", bare)

    return rewrite


def _reordered(gold: str) -> str | None:
    body = gold.strip()
    braces = body.startswith("\\{") and body.endswith("\\}") and body.count("\\{") == 1
    inner = body[2:-2] if braces else body
    if not is_plain_list(inner) or "\\text" in inner or "=" in inner:
        return None
    other = ", ".join(part.strip() for part in reversed(split(inner, ",")))
    return f"\\{{{other}\\}}" if braces else other


def _commuted(gold: str) -> str | None:
    if not is_sum(gold):
        return None
    first, *rest = [part.strip() for part in split(gold.strip(), "+-")]
    if first.startswith("\\begin"):
        return None
    terms = [*reversed(rest), first if first.startswith("-") else "+" + first]
    return " ".join(terms).removeprefix("+").strip()


def _grouped(gold: str) -> str | None:
    return f"{int(gold):,}" if _INTEGER.fullmatch(gold) and abs(int(gold)) >= 1000 else None


def _ungrouped(gold: str) -> str | None:
    bare = re.sub(r"(?<=\d)(?:,\\!|\{,\})(?=\d{3})", "", gold)
    return bare if bare != gold else None


def _unicode(gold: str) -> str | None:
    if _TEXT.search(gold):
        return None
    table = {
        r"\pi": "π",
        r"\infty": "∞",
        r"\cup": "∪",
        r"^\circ": "°",
        r"^{\circ}": "°",
        r"\le ": "≤ ",
        r"\cdot": "·",
        "-": "−",
    }
    for command, character in table.items():
        gold = gold.replace(command, character)
    return re.sub(r"\\sqrt\{(\d+)\}", r"√\1", gold)


def _word_case(gold: str) -> str | None:
    match = _WORDS_ONLY.fullmatch(gold)
    return match[1].swapcase() if match and match[1] and len(match[1]) > 2 and " " not in match[1].strip() else None


def _without_text(gold: str) -> str | None:
    match = _WORDS_ONLY.fullmatch(gold)
    return match[1] if match and match[1] else None


def _without_unit(gold: str) -> str | None:
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*\\(?:text|mbox)\{\s*(?!and|or|a\.m|p\.m)[^{}]*\}(?:\^\d)?", gold.strip())
    return match[1] if match else None


RIGHT: dict[str, Callable[[str], str | None]] = {
    "dfrac": _frac("dfrac"),
    "tfrac": _frac("tfrac"),
    "slash": _slash,
    "exact decimal": _decimal,
    "mixed number": _mixed,
    "no spaces": _respaced(""),
    "thin spaces": _respaced(r"\,"),
    "dollars": lambda gold: f"${gold}$" if "$" not in gold else None,
    "parentheses": lambda gold: f"\\({gold}\\)",
    "full stop": lambda gold: gold + "." if not gold.endswith(".") else None,
    "left right": lambda gold: (
        re.sub(r"\(([^()]*)\)", r"\\left(\1\\right)", gold)
        if "(" in gold and "\\left" not in gold and "text" not in gold
        else None
    ),
    "no left right": lambda gold: gold.replace("\\left", "").replace("\\right", "") if "\\left" in gold else None,
    "reordered": _reordered,
    "commuted": _commuted,
    "grouped": _grouped,
    "ungrouped": _ungrouped,
    "unicode": _unicode,
    "case": _word_case,
    "bare words": _without_text,
    "no unit": _without_unit,
    "no dollar sign": lambda gold: gold.replace("\\$", "") if gold.startswith("\\$") else None,
    "percent word": lambda gold: gold.replace("\\%", " percent") if "\\%" in gold else None,
    "no degrees": lambda gold: (
        re.sub(r"\^\{?\\circ\}?", "", gold) if "\\circ" in gold and not re.search(r"cos|tan|sin", gold) else None
    ),
    "bmatrix": lambda gold: gold.replace("pmatrix", "bmatrix") if "pmatrix" in gold else None,
    "braced base": lambda gold: re.sub(r"^(\d+)_(\d)$", r"\1_{\2}", gold),
    "assigned": lambda gold: f"x = {gold}" if _INTEGER.fullmatch(gold) or _SIMPLE_FRACTION.fullmatch(gold) else None,
    "cdot": lambda gold: re.sub(r"^(\d+) ?\\sqrt\{(\d+)\}$", r"\\sqrt{\2} \\cdot \1", gold),
    "sqrt function": lambda gold: (
        re.sub(r"(?<![a-z])\\sqrt\{(\d+)\}", r"sqrt(\1)", gold) if "frac" not in gold else None
    ),
}


# near misses


def near_misses(gold: str) -> Iterator[tuple[str, str]]:
    """(kind, wrong answer close to the gold)."""
    seen = {gold}
    for kind, spoil in WRONG.items():
        if kind == "elsewhere" and len(seen) > 5:
            break
        for other in spoil(gold):
            if other not in seen:
                seen.add(other)
                yield kind, other


def _numbers(gold: str) -> list[re.Match[str]]:
    return list(re.finditer(r"(?<![_\d.])\d+(?:\.\d+)?", _TEXT.sub(lambda match: " " * len(match.group()), gold)))


def _sign(gold: str) -> Iterator[str]:
    """The first non-zero number that begins a term changes its sign."""
    if is_words(gold):
        return
    if gold.startswith("-"):
        yield gold[1:]
    elif _may_be_negated(gold):
        yield "-" + gold
    match = re.search(
        r"(?:^|[(\[,&=]|\\\\|\}\s|\\left\()\s*(-?)([1-9]\d*)(?=\s*(?:[,)\]&]|\\\\|\\end|\\right|$))", gold
    )
    if match:
        start = match.start(1)
        yield gold[:start] + ("" if match[1] else "-") + gold[match.start(2) :]


def _may_be_negated(gold: str) -> bool:
    """A single expression that is not zero."""
    starts = re.match(r"[\d\\a-z]", gold) and not gold.startswith(("\\text", "\\begin", "\\left", "\\{", "\\$"))
    several = len(split(gold, "=<>,:")) > 1 or any(word in gold for word in ("\\le", "\\in", "_"))
    return bool(starts) and not several and bool(gold.strip("0."))


def _digit(gold: str) -> Iterator[str]:
    for number in (_numbers(gold)[:1] + _numbers(gold)[-1:])[:2]:
        for at in {number.start(), number.end() - 1}:
            for step in (1, 2):
                yield gold[:at] + str((int(gold[at]) + step) % 10) + gold[at + 1 :]


def _longer(gold: str) -> Iterator[str]:
    for number in _numbers(gold)[:1]:
        yield gold[: number.end()] + "7" + gold[number.end() :]
        if len(number.group()) > 1 and "." not in number.group() and "," not in gold:
            yield gold[: number.end() - 1] + gold[number.end() :]


def _swapped(gold: str) -> Iterator[str]:
    match = _PAIR.fullmatch(gold.strip())
    if match and "\\cup" not in gold:
        items = [part.strip() for part in split(match[2].replace("\\right", ""), ",")]
        if len(items) > 1 and len(set(items)) == len(items):
            yield match[1] + ",".join([items[1], items[0], *items[2:]]) + match[3]
    fraction = _SIMPLE_FRACTION.fullmatch(gold)
    if fraction and (fraction[2] or fraction[4]) != (fraction[3] or fraction[5]):
        yield f"{fraction[1]}\\frac{{{fraction[3] or fraction[5]}}}{{{fraction[2] or fraction[4]}}}"


def _bracket(gold: str) -> Iterator[str]:
    match = _PAIR.fullmatch(gold.strip())
    if match and len(split(match[2].replace("\\right", ""), ",")) == 2 and "\\cup" not in gold:
        left, right = {"(": "[", "[": "("}[match[1]], {")": "]", "]": ")"}[match[3]]
        inner = match[2].removesuffix("\\right")
        yield f"{left}{inner}{match[3]}"
        yield f"{match[1]}{inner}{right}"


def _dropped(gold: str) -> Iterator[str]:
    if is_sum(gold):
        parts = split(gold.strip(), "+-")
        yield "".join(parts[:-1])
        yield "".join(parts[1:]).strip().removeprefix("+")
    if is_plain_list(gold) and "text" not in gold:
        yield ",".join(split(gold, ",")[:-1])
    match = _PAIR.fullmatch(gold.strip())
    if match and len(split(match[2], ",")) > 2:
        yield f"{match[1]}{','.join(split(match[2].removesuffix(chr(92) + 'right'), ',')[:-1])}{match[3]}"


def _added(gold: str) -> Iterator[str]:
    if is_words(gold) or "begin" in gold or "_" in gold or "\\text" in gold or "\\mbox" in gold:
        return
    if len(split(gold, "=<>,:")) == 1 and not re.search(
        r"[\[\]{(]\s*-?\S+\s*,|\\cup|\\le|\\in|%|\\circ|\\approx", gold
    ):
        yield gold + " + 1"
        yield f"2({gold})" if gold.strip() not in ("0",) else "2"
    if is_plain_list(gold) and "text" not in gold:
        yield gold + ", 987"


def _base(gold: str) -> Iterator[str]:
    match = re.fullmatch(r"(\d+)_\{?(\d+)\}?", gold)
    if match:
        yield f"{match[1]}_{{{int(match[2]) + 1}}}"
        yield f"{match[1]}_{{{int(match[2]) - 1}}}"
        yield f"{match[1][::-1]}_{match[2]}" if match[1] != match[1][::-1] else f"{match[1]}1_{match[2]}"


def _words(gold: str) -> Iterator[str]:
    if is_words(gold):
        bare = re.sub(r"\\text\w*\{|\\mathrm\{|[}()]", "", gold).strip()
        yield from (
            f"\\text{{{bare}x}}",
            f"\\text{{not {bare}}}",
            "5",
            f"\\text{{{bare[::-1]}q}}",
            "\\text{none of them}",
        )


def _elsewhere(gold: str) -> Iterator[str]:
    """For answers too short to be spoilt in five ways, such as 0 or pi."""
    yield from ("0.01", "-987", r"\frac{7}{13}", r"\text{none of them}", "0, 987", "(0, 987)")


WRONG: dict[str, Callable[[str], Iterator[str]]] = {
    "sign": _sign, "digit": _digit, "length": _longer, "order": _swapped, "bracket": _bracket, "dropped term": _dropped,
    "added term": _added, "base": _base, "words": _words, "elsewhere": _elsewhere,
}  # fmt: skip

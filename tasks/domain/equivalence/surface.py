"""The surface of an answer: spellings in words and signs that have one reading, as the mathematics they mean.

`negative 5` is `-5`, `5 squared` is `5^2`, `$5 million` is `$5000000`, `28 (inches)` is `28 inches`. Nothing here looks at a second answer.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from tasks.domain.equivalence.units import unit

_NUM = r"(?:\d{1,3}(?:,\d{3})+|\d{1,40})(?:\.\d{1,40})?"
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_PART = re.compile(
    r"(?:\\text\w*\s*\{\s*)?(?:\b(?:for|in)\s+)?\bparts?\s*\(?[a-h1-9]\)?\s*[:,]?\s*\}?(?=[\s,;.$\d\\-]|and\b|$)",
    re.IGNORECASE,
)
_CURRENCY = re.compile(r"(?<![A-Za-z\\])(?:Rs\.?|INR|USD|US\\?\$|A\\?\$|C\\?\$|CHF|R\\?\$)\s*(?=\d)")
_EURO = re.compile(rf"(?:€|(?<![A-Za-z\\])EUR)\s*({_NUM})|({_NUM})\s*€")
_POUND = re.compile(rf"(?:£|(?<![A-Za-z\\])GBP)\s*({_NUM})|({_NUM})\s*£")


def _worded(words: str) -> str:
    """A word by itself or in a text command, with the space around it."""
    return rf"(?:\\(?:text\w*|mathrm|mbox)\s*\{{\s*(?:{words})\s*\}}|(?<![A-Za-z\\])(?:{words})(?![A-Za-z]))"


_MINUS = re.compile(rf"{_worded('negative|minus')}\s*(?=\$?[\d\\(a-z])", re.IGNORECASE)
_PLUS = re.compile(rf"{_worded('positive')}\s*(?=\$?\d)(?!\$?\d+-)", re.IGNORECASE)
_SQUARED = re.compile(rf"(?<=[\w)}}])\s*{_worded('squared')}", re.IGNORECASE)
_CUBED = re.compile(rf"(?<=[\w)}}])\s*{_worded('cubed')}", re.IGNORECASE)
_FACTORIAL = re.compile(rf"(?<=\d)\s*{_worded('factorial')}", re.IGNORECASE)
_ROOT = re.compile(
    rf"{_worded('(?:the )?(?:square|cube) root of')}\s*\$?(?P<of>\d+(?:\.\d+)?|[a-z])\b\$?", re.IGNORECASE
)
_SCALED = re.compile(
    rf"(?P<number>{_NUM})\s*{_worded('(?:hundred|thousand|million|billion|trillion|dozen)s?')}", re.IGNORECASE
)
_HAS_UNIT_INSIDE = re.compile(
    r"(\\(?:text\w*|mathrm|mbox)\s*\{\s*)(hundred|thousand|million|billion|trillion|dozen)s?\s+", re.IGNORECASE
)
_BRACKETED_UNIT = re.compile(
    r"(?P<value>[$\s]*-?(?:\\\$)?(?:\d[\d,]*(?:\.\d+)?|\\[dt]?frac\{\d+\}\{\d+\}|\d+/\d+)[$\s]*)(?:\\text\w*\s*\{\s*)?(?:\\left)?\(\s*(?:\\text\w*\s*\{)?\s*(?P<unit>[A-Za-z][A-Za-z .²³^0-9/]{1,40}?)\s*\}?\s*(?:\\right)?\)\s*\}?"
)
_NO_UNIT = re.compile(
    r"\b(?:not|or|and|mod|base|million|thousand|hundred|if|when|for|since|as|approx\w*|squared|at|more|less|[a-z])\b",
    re.IGNORECASE,
)
_SUFFIX, _COMMAND = r"(?:st|nd|rd|th)", r"\\(?:text\w*|mathrm|mbox|rm)"
_ORDINAL = re.compile(
    rf"(?<![\d.,/}}])(\d{{1,6}})(?:\s*\^?\s*(?:\{{\s*{_COMMAND}\s*\{{\s*{_SUFFIX}\s*\}}\s*\}}|\{{\s*(?:\\rm\s*)?{_SUFFIX}\s*\}}|{_COMMAND}\s*\{{\s*{_SUFFIX}\s*\}})|{_SUFFIX}(?![A-Za-z]))",
    re.IGNORECASE,
)
_TEXT_NUMBER = re.compile(r"\s*\\(?:text\w*|mathrm|mbox)\s*\{\s*(-?\d[\d,.]*)\s+([A-Za-z]{3}[A-Za-z ]*)\}\s*")
_REPEATING = re.compile(rf"(\d*\.)(\d+)\s*{_worded('repeating|recurring')}", re.IGNORECASE)
_PLUS_MINUS = re.compile(rf"\+\s*/\s*[-−]|\+-(?=\s*[\d\\a-z])|{_worded('plus or minus')}", re.IGNORECASE)
_AT_LEAST = re.compile(
    rf"(?P<one>-?{_NUM})(?P<unit>(?:\\?\s+[a-z]+)?)\s*{_worded('(?:or|and) (?:more|greater|above|over|larger|higher|up)')}"
    rf"|{_worded('(?:no|not) (?:less|fewer|smaller) than')}\s*(?P<two>-?{_NUM})",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    rf"(?P<one>-?{_NUM})(?P<unit>(?:\\?\s+[a-z]+)?)\s*{_worded('(?:or|and) (?:less|fewer|below|under|smaller|lower)')}"
    rf"|{_worded('(?:no|not) (?:more|greater|larger) than|up to')}\s*(?P<two>-?{_NUM})",
    re.IGNORECASE,
)
_UNION = re.compile(r"(?<=[)\]}])\s*(?:\\text\{\s*)?U(?:\s*\})?\s*(?=[(\[{\\])")
_IS_NOT = re.compile(
    rf"(?<=[a-zA-Z])(?<![a-zA-Z]{{2}})\s*{_worded('is not(?: equal to)?|does not equal|cannot (?:be|equal)')}\s*(?=[-\d\\$])",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    rf"(?<![a-zA-Z\\])(?P<name>[a-zA-Z])\$?\s*{_worded('(?:is |are |must be |should be )?(?:at least|at most|(?:no |not )?(?:more|less|greater|larger|smaller|fewer) than(?: or equal to)?)')}\s*(?=\$?[-\d\\])",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"(?:(?<![a-zA-Z])(?P<name>[a-z])\s*)?{_worded('(?:is |lies )?between')}\s*(?P<low>\S+?)\s*{_worded('and')}\s*(?P<high>\S+?),?\s*{_worded('inclusive|exclusive')}",
    re.IGNORECASE,
)
_SPANS = re.compile(r"(?<![\\$])\$(?!\$)([^$]+?)\$[ \t]*\n?[ \t]*\$(?!\$)(?=[^$]+\$)")
_QUAD = re.compile(
    r"(?<=[^\s,;&{(])\s*+(?:\\q?quad\s*+)++(?=[^\s,;&})])(?!\\(?:text|mathrm|mbox|textbf|right|end|pmod|mod|mbox)|[a-zA-Z]{2}|\(|\$\s*$|\\q?quad|and\b|or\b)"
)
_CIRCLED = re.compile(r"\\textcircled\s*\{\s*(?:\\\w+\s*)?(\d{1,2})\s*\}")
_CIRCLED_ONLY = re.compile(r"\s*[①-⑳](?:[\s,，、;]*[①-⑳])+\s*")
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+[.,]\d{1,9}(?![\d,.]| \d)")
_DOTTED = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3}){2,}(?![\d,.])")
_ARC = re.compile(
    r"(\d{1,3})\s*(?:\\text\s*\{\s*)?degrees?\s*(?:,|and)?\s*\}?\s*(\d{1,2}(?:\.\d{1,6})?)\s*(?:\\text\s*\{\s*)?(?:arc)?minutes?\s*\}?",
    re.IGNORECASE,
)
_ALL_BUT = re.compile(
    rf"{_worded('all (?:real numbers|reals|real x|real values)(?: of x)?,? (?:except|but|other than|excluding|not equal to)(?: for)?')}\s*(?:\$?x\s*=\s*)?\$?(?=[-\d\\])",
    re.IGNORECASE,
)
_ALL_NONZERO = re.compile(_worded(r"all non-?zero (?:real numbers|reals)"), re.IGNORECASE)
_CONSTANT = re.compile(
    r"\+\s*(?:\\(?:text|mathrm)\s*\{\s*(?:a )?const(?:ant)?\.?\s*\}|(?:a )?const(?:ant)?\b\.?)\s*$", re.IGNORECASE
)
_THE_ORDINAL = re.compile(rf"(?<![A-Za-z])the\s+(?=\d{{1,6}}{_SUFFIX}(?![A-Za-z]|\s+(?:power|root)))", re.IGNORECASE)
_TEXT_LIST = re.compile(
    r"\s*\\text\w*\s*\{\s*(-?\d[\d.]*(?:/\d+)?(?:\s*,\s*-?\d[\d.]*(?:/\d+)?)*\s*,?\s*(?:and|or)\s+-?\d[\d.]*(?:/\d+)?)\s*\}\s*"
)
_NUMBERED = re.compile(
    r"(?:\\text\w*\s*\{\s*)?\(?(?<![A-Za-z0-9^_])(?P<mark>[1-4]|i{1,3}|iv|[a-d])\)\s*:?\s*\}?\s*(?=[-\d\\$(])"
)
_SWISS = re.compile(r"(?<![\d'])\d{1,3}(?:'\d{3})+(?![\d'])")
_INDIAN = re.compile(r"(?<![\d,.(\[{])\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])")
_CONTINENTAL = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+,\d{1,9}(?![\d,.])")
_PERCENT = re.compile(rf"(?<=[\d}}])\s*{_worded('pct|per ?cent')}(?!\s*point)", re.IGNORECASE)
_LARGE = r"hours?|hrs?\.?|h|minutes?|mins?\.?|days?|weeks?|feet|foot|ft\.?|yards?|pounds?|lbs?\.?|dollars?|meters?|metres?|m|km|kg|kilometers?|kilograms?|gallons?"
_SMALL = r"minutes?|mins?\.?|min|hours?|seconds?|secs?\.?|s|days?|inch(?:es)?|in\.?|feet|ft\.?|ounces?|oz\.?|cents?|cm|centimeters?|centimetres?|m|meters?|metres?|g|grams?|mm"
_GAP = r"(?:[\s~{}$]|\\(?:text\w*|mathrm|mbox)\s*(?=\{)|\\[,; ])*"
_COMPOUND = re.compile(
    rf"(?<![\w.^_{{\\])(?P<one>\d{{1,9}}){_GAP}(?P<large>{_LARGE})(?![A-Za-z^/]){_GAP}(?:,|and(?![a-z]))?{_GAP}(?:and(?![a-z]))?{_GAP}(?P<two>\d{{1,9}}(?:\.\d{{1,9}})?){_GAP}(?P<small>{_SMALL})(?![A-Za-z^/])\s*\}}?",
    re.IGNORECASE,
)
_IN_BASE = re.compile(
    r"(?<![\w.])(\d{1,60})\s*(?:\\text\w*\s*\{\s*)?\(?\s*(?:\\text\w*\s*\{\s*)?(?:in )?base[ -]?\}?\s*(\d{1,2}|two|three|four|five|six|seven|eight|nine)\s*\}?\)?\}?\s*$",
    re.IGNORECASE,
)
_COMPOUNDED = re.compile(r"\d[^\d=+*]{1,40}\d+[^\d]{1,20}$")
_INTERESTING = re.compile(
    r"[A-Za-z]{2}|[a-d1i]\)|\d \d{3}[.,]|[^\x00-\x7f]|'|\d,\d|\+\s*/|\+-|\$\s*\$|\bU\b|\d\.\d{3}[.,]"
)


def without_parts(text: str) -> str:
    """Without the names of the question's parts: `5 for part (a) and 6 for part (b)` is `5 and 6`."""
    return _PART.sub(_opened_text, text) if "part" in text.casefold() else text


def _numbered(text: str) -> str:
    """(i) 3 (ii) 8, and a) 5 b) 7, as 3, 8: the marks are one, two, and so on, and the first stands in front."""
    marks = list(_NUMBERED.finditer(text)) if ")" in text else []
    names = [mark["mark"] for mark in marks]
    if len(marks) < 2 or text[: marks[0].start()].strip() or "(b)" in text:
        return text
    if not any(names == list(row[: len(names)]) for row in ("1234", "abcd", ("i", "ii", "iii", "iv"))):
        return text
    pieces = [text[a.end() : b.start()] for a, b in itertools.pairwise(marks)] + [text[marks[-1].end() :]]
    if any(_is_factor(mark, piece) or not re.search(r"\w", piece) for mark, piece in zip(marks, pieces, strict=True)):
        return text
    return ", ".join(piece.strip(" ,;.\n") for piece in pieces)


def _is_factor(mark: re.Match[str], behind: str) -> bool:
    """The (1) of (1)(2)(3) and of (1)5: a bracket that touches what follows, or a bracket, is multiplied by it."""
    touches = mark.group().endswith(")") and not behind.startswith("$")
    return "(" in mark.group() and (touches or behind.startswith("("))


def _opened_text(match: re.Match[str]) -> str:
    """A text command that goes on behind the name of the part stays open."""
    return r"\text{ " if match.group().startswith("\\text") and not match.group().endswith("}") else ""


@lru_cache(maxsize=16384)
def rewritten(text: str) -> str:
    """The answer with its wordings as mathematics; itself when there are none."""
    if len(text) > 4000 or not _INTERESTING.search(text):
        return text
    for rewrite in _REWRITES:
        text = rewrite(text)
    return text


def _replaced(pattern: re.Pattern[str], by: str) -> Callable[[str], str]:
    return lambda text: pattern.sub(lambda _: by, text)


def _circled(text: str) -> str:
    """Statements by their numbers, ①③ and \\textcircled{1}\\textcircled{3}, are a set."""
    text = _CIRCLED.sub(lambda match: chr(0x245F + int(match[1])) if 1 <= int(match[1]) <= 20 else match.group(), text)
    if not _CIRCLED_ONLY.fullmatch(text):
        return text
    return r"\{" + ", ".join(str(ord(sign) - 0x245F) for sign in text if "①" <= sign <= "⑳") + r"\}"


def _bracketed_unit(text: str) -> str:
    bare = text.strip()
    if bare.startswith("$") and "$ (" in bare and "\\$" not in bare:  # $12$ (cm$^2$)
        bare = bare.replace("$", "")
    match = _BRACKETED_UNIT.fullmatch(re.sub(r"\s\[([A-Za-z ]{3,40})\]$", r" (\1)", bare))
    if match is None or _NO_UNIT.search(re.sub(r"/\w+", "", match["unit"])):
        return text
    return rf"{match['value'].strip(' $')} \text{{ {match['unit']} }}"


def _compound(text: str) -> str:
    """1 h 30 min, 5 feet and 4 inches, 3 dollars and 25 cents as one quantity in the smaller unit."""

    def total(match: re.Match[str]) -> str:
        large, small = unit(match["large"]), unit(match["small"])
        if not large.kind or (large.kind, large.power) != (small.kind, small.power) or large.factor <= small.factor:
            return match.group()
        value = Fraction(match["one"]) * large.factor / small.factor + Fraction(match["two"])
        number = str(value) if value.denominator == 1 else f"{float(value):.9g}"
        open_text = match.group().count("{") > match.group().count("}")
        return rf"{number} \text{{ {match['small']}{' ' if open_text else ' }'}"

    return _COMPOUND.sub(total, text)


def _scaled(text: str) -> str:
    def product(match: re.Match[str]) -> str:
        scale = re.search("|".join(_SCALES), match.group(), re.IGNORECASE)
        value = Fraction(match["number"].replace(",", "")) * _SCALES[scale.group().lower()] if scale else Fraction(0)
        return str(value) if value.denominator == 1 else match.group()

    return _SCALED.sub(product, _HAS_UNIT_INSIDE.sub(r"\2 \1", text))


def _root(text: str) -> str:
    return _ROOT.sub(lambda m: rf"\sqrt{'[3]' if 'cube' in m.group().casefold() else ''}{{{m['of']}}}", text)


def _repeating(text: str) -> str:
    def digits(match: re.Match[str]) -> str:
        whole, decimals = match[1], match[2]
        return rf"{whole}\overline{{{decimals}}}" if len(set(decimals)) == 1 else f"{whole}{decimals}..."

    return _REPEATING.sub(digits, text)


def _compared(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        words = match.group().casefold()
        if "at least" in words or "at most" in words:
            return rf"{match['name']} \{'ge' if 'least' in words else 'le'} "
        greater = re.search(r"more|greater|larger", words) is not None
        negated = re.search(r"\b(?:no|not)\b", words) is not None
        with_end = ("or equal" in words) != negated
        return rf"{match['name']} {(chr(92) + 'ge' if with_end else '>') if greater != negated else (chr(92) + 'le' if with_end else '<')} "

    return _COMPARED.sub(sign, text)


def _bounded(text: str) -> str:
    """`17 or more` and `no fewer than 17` as `at least 17`."""

    def said(match: re.Match[str]) -> str:
        words = "at least" if match.re is _AT_LEAST else "at most"
        return f"{words} {match['one'] or match['two']}{match['unit'] or ''}"

    return _AT_MOST.sub(said, _AT_LEAST.sub(said, text))


def _between(text: str) -> str:
    def chain(match: re.Match[str]) -> str:
        sign = r"\le" if "inclusive" in match.group().casefold() else "<"
        return f"{match['low']} {sign} {match['name'] or 'x'} {sign} {match['high']}"

    return _BETWEEN.sub(chain, text) if "between" in text else text


def _separated(text: str) -> str:
    """Formulas of their own, and items set apart by \\quad, as a list."""
    if "$" in text and text.count("$") >= 4:
        before = None
        while before != text:
            before, text = text, _SPANS.sub(r"$\1$, $", text)
    return _QUAD.sub(", ", text) if "quad" in text and "begin" not in text else text


def _grouped(text: str) -> str:
    """1'234, 1,00,000, 1 234,5, 1.234.567 and 1.234,56, which have one reading."""
    if "'" in text:
        text = _SWISS.sub(lambda match: match.group().replace("'", ""), text)
    if "," in text:
        text = _INDIAN.sub(lambda match: match.group().replace(",", ""), text)
        text = _CONTINENTAL.sub(lambda match: match.group().replace(".", "").replace(",", "."), text)
    if " " in text:
        text = _SPACED.sub(lambda match: match.group().replace(" ", "").replace(",", "."), text)
    if "." in text:
        text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text)
    return text


_REWRITES: tuple[Callable[[str], str], ...] = (
    _circled,
    without_parts,
    _numbered,
    _separated,
    lambda text: match[1] if (match := _TEXT_LIST.fullmatch(text)) else text,
    lambda text: _ARC.sub(r"\1^\\circ \2'", text) if "degree" in text else text,
    _replaced(_ALL_BUT, r"x \ne "),
    _replaced(_ALL_NONZERO, r"x \ne 0"),
    lambda text: _CONSTANT.sub("+ C", text) if "const" in text else text,
    _replaced(_THE_ORDINAL, ""),
    _replaced(_CURRENCY, r"\$"),
    lambda text: _EURO.sub(r"\1\2\\text{ euro}", text),
    lambda text: _POUND.sub(r"\1\2\\text{ gbp}", text),
    _grouped,
    lambda text: _IN_BASE.sub(r"\1_{\2}", text) if "base" in text.casefold() else text,
    lambda text: _compound(text) if _COMPOUNDED.search(text) else text,
    _bracketed_unit,
    _scaled,
    _replaced(_PLUS_MINUS, r"\pm "),
    _between,
    _compared,
    _bounded,
    _replaced(_IS_NOT, r" \ne "),
    _replaced(_MINUS, "-"),
    _replaced(_PLUS, ""),
    _root,
    _replaced(_SQUARED, "^2"),
    _replaced(_CUBED, "^3"),
    _replaced(_FACTORIAL, "!"),
    _replaced(_PERCENT, r"\%"),
    lambda text: _ORDINAL.sub(r"\1", text),
    lambda text: match.expand(r"\1 \\text{ \2}") if (match := _TEXT_NUMBER.fullmatch(text)) else text,
    _repeating,
    _replaced(_UNION, r" \cup "),
)

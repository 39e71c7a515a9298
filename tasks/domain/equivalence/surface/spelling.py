"""Ways of writing that mean something else than their characters say, rewritten before the text is cut into tokens.

Each rule has a mark that the text must contain, so that texts without it cost nothing.
"""

from __future__ import annotations

import re

_MODULUS = r"\{?\s*(\d{1,12}|[a-zA-Z])\s*\}?"
_OPTIONAL_TEXT = r"(?:\\(?:text|mathrm|operatorname)\s*\{\s*)?"
_NAME = r"\\?[A-Za-z]+(?:_\{?\w+\}?)?(?:\s*\([^()]{1,20}\))?"
_RULES: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (mark, re.compile(pattern), replacement)
    for mark, pattern, replacement in (
        # congruences
        ("mod", rf"(?<![a-zA-Z\\])([a-zA-Z])\s*(?:\\[bp]?mod(?![a-z])|mod\b)\s*{_MODULUS}\s*=\s*(\d+)", r"\1 \\equiv \3 \\pmod{\2}"),
        ("mod", rf"\\(?:text|mathrm|mbox)\s*\{{\s*\(\s*mod(?:ulo)?\s+{_MODULUS}\s*\)\s*\}}", r"\\pmod{\1}"),
        ("mod", r"\\(?:text|mathrm)\s*\{\s*\(\s*mod(?:ulo)?\s*\}\s*(\d{1,12}|[a-zA-Z])\s*\)", r"\\pmod{\1}"),
        ("mod", rf"\(\s*{_OPTIONAL_TEXT}\\?[bp]?mod(?:ulo)?\b\s*\}}?(?:\s|~|\\[ ,;:])*{_MODULUS}\s*\)", r"\\pmod{\1}"),
        ("mod", rf"\\[bp]?mod(?![a-z])\s*{_MODULUS}", r"\\pmod{\1}"),
        ("mod", rf"(?<![\\a-zA-Z]){_OPTIONAL_TEXT}\s*mod(?:ulo)?\b\s*\}}?\s*{_MODULUS}\s*$", r"\\pmod{\1}"),
        # number sets written with plain letters
        ("\\in", r"\\in(?![a-z])\s*(?:\\(?:mathbf|mathrm|text|textbf|rm|bf)\s*)?\{?\s*([ZRNQ])\s*\}?(?![\w(^*])", r"\\in \\mathbb{\1}"),
        # primes
        ("prime", r"\^\s*\{?\s*\\prime\s*\\prime\s*\}?", "''"),
        ("prime", r"\^\s*(?:\{\s*\\prime\s*\}|\\prime(?![a-z]))", "'"),
        # circled numbers name statements in a list
        ("circled", r"\\(?:text)?circled\s*\{\s*(\w{1,2})\s*\}", r",\1,"),
        # ordinals
        ("t", r"(?<=\d)(?:st|nd|rd|th)\b", " "),
        ("^", r"(?<=\d)\s*\^\s*\{?\s*\\(?:text|mathrm)\s*\{\s*(?:st|nd|rd|th)\s*\}\s*\}?", " "),
        # repeating decimals with brackets, as in Russia and Korea
        ("(", r"(?<![\w.])(\d*\.\d*)\((\d{1,9})\)(?![\d(])", r"\1\\overline{\2}"),
        # combinations: 5C2, {}_5C_2, ^5C_2, C(5,2)
        ("C", r"(?:\{\s*\}\s*)?[_^]\s*\{?\s*(\d{1,4})\s*\}?\s*(?:\\(?:mathrm|text)\{C\}|C)\s*_\s*\{?\s*(\d{1,4})\s*\}?", r"\\binom{\1}{\2}"),
        ("C", r"(?<![\w\\.])(\d{1,4})\s?C\s?(\d{1,4})(?![\w.])", r"\\binom{\1}{\2}"),
        ("C", r"(?<![\w\\])C\s*\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)", r"\\binom{\1}{\2}"),
        ("C", r"\\(?:mathrm|text)\{\s*C\s*\}\s*_\s*\{?\s*(\d{1,4})\s*\}?\s*\^\s*\{?\s*(\d{1,4})\s*\}?", r"\\binom{\1}{\2}"),
        ("_", r"\\(?:mathrm|text|rm)\s*\{\s*([CAP])\s*\}\s*_", r"\1_"),
        ("P", r"(?:\{\s*\}\s*)?[_^]\s*\{?\s*(\d{1,3})\s*\}?\s*P\s*_\s*\{?\s*(\d{1,3})\s*\}?", r"A_{\1}^{\2}"),
        ("P", r"(?<![\w\\])P\s*_\s*\{?\s*(\d{1,3})\s*\}?\s*\^\s*\{?\s*(\d{1,3})\s*\}?", r"A_{\1}^{\2}"),
        ("P", r"^\s*P\s*\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)\s*$", r"A_{\1}^{\2}"),
        ("C", r"(?<![\w\\])C\s*\(\s*([a-z])\s*,\s*(\d{1,4}|[a-z])\s*\)", r"\\binom{\1}{\2}"),
        ("choose", r"(?<![\w\\.])(\d{1,4})\s*(?:\\text\s*\{\s*)?choose\s*\}?\s*(\d{1,4})(?![\w.])", r"\\binom{\1}{\2}"),
        ("C", r"(?<![\w\\}])C_\{?([a-z])\}?\s*\^\s*\{?(\d{1,3}|[a-z])\}?(?![\w{])", r"\\binom{\1}{\2}"),
        ("C", r"\{\s*\}\s*_\s*\{?\s*([a-z])\s*\}?\s*C\s*_\s*\{?\s*(\d{1,3}|[a-z])\s*\}?(?![\w{])", r"\\binom{\1}{\2}"),
        # repeating decimals with a bar or dots
        ("\\bar", r"(?<![\w.])(\d*\.\d*)\\bar\s*\{?(\d+)\}?", r"\1\\overline{\2}"),
        ("\\dot", r"(?<![\w.])(\d*\.\d*)\\dot(?![a-z])\s*\{?(\d)\}?(?:(\d{0,9})\\dot(?![a-z])\s*\{?(\d)\}?)?", r"\1\\overline{\2\3\4}"),
        ("\\overline", r"(?<![\w.])(\d*\.\d*)\\overline\s*(\d)", r"\1\\overline{\2}"),
        ("dots", r"(?<=\d)\s*\\c?dots(?![a-z])(?=[\s$.]*$)", r"\\ldots"),
        ("\\dots", r"(?<=\d)\s*\\dots(?![a-z])", r"\\ldots"),
        # unit vectors, and units as a fraction
        ("math", r"\\([ij])math(?![a-z])", r"\1"),
        ("frac", r"\\[dt]?frac\s*\{\s*\\(?:text|mathrm)\s*\{[\s~]*([A-Za-z]{1,12})\s*\}\s*\}\s*\{\s*\\(?:text|mathrm)\s*\{\s*([A-Za-z]{1,12})\s*\}\s*\}", r"\\text{ \1/\2}"),
        ("cdot", r"\\(?:text|mathrm)\s*\{[\s~]*([A-Za-z]{1,4})\s*\}\s*\\cdot\s*\\(?:text|mathrm)\s*\{[\s~]*([A-Za-z]{1,4}(?:\s*/\s*[A-Za-z]{1,3}|\^-?\d)?)\s*\}", r"\\text{ \1 \2}"),
        ("/", r"\\(?:text|mathrm)\s*\{[\s~]*([A-Za-z]{1,12})\s*\}\s*/\s*\\(?:text|mathrm)\s*\{\s*([A-Za-z]{1,12})\s*\}(?=\s*\^)", r"\\text{ \1/\2}"),
        # division with remainder
        ("r", r"(?<![\w.])(\d+)\s*,?\s*(?:\\text\s*\{)?\s*(?:with\s+)?(?:a\s+)?(?:r(?:emainder)?|rem)\b\.?(?:\s+of)?\s*\}?\s*(\d+)(?![\w.])", r"\\langle \1,\2\\rangle "),
        ("R", r"(?<![\w.])(\d+)\s*(?:\\(?:text|mathrm)\s*\{)?\s*(?:R|Remainder)\b\.?\s*\}?\s*(\d+)(?![\w.])", r"\\langle \1,\2\\rangle "),
        # transposes
        ("T", r"\^\s*\{?\s*\\(?:mathrm|text|mathsf|top|mathbf|rm)\s*\{?\s*T\s*\}?\s*\}?", r"^T"),
        # names of areas and angles
        ("[", r"(?<![\w\\}\])^_])\[\s*([A-Z]{3,6})\s*\]", r"S_{\1}"),
        ("\\angle", r"(?<![a-zA-Z\\])m\s*\\angle(?![a-z])", r"\\angle "),
        # quantifiers, maps, and signs that are words
        ("forall", r"\\forall(?![a-z])", r"\\text{ for all }"),
        ("mapsto", r"(?<![A-Za-z\\])([a-zA-Z])\s*(?::|\\colon(?![a-z]))\s*([a-zA-Z])\s*\\mapsto(?![a-z])", r"\1(\2)="),
        ("cent", r"\\cent(?![a-z])", r"\\text{ cents}"),
        ("sq.", r"(?<![A-Za-z])sq\.\s*(?=[A-Za-z])", "sq "),
        ("cu.", r"(?<![A-Za-z])cu\.\s*(?=[A-Za-z])", "cu "),
        # plain text habits
        ("cbrt", r"(?<![a-zA-Z\\])cbrt\s*\(([^()]{1,40})\)", r"\\sqrt[3]{\1}"),
        ("10", r"(?<=\d)\s*[xX]\s*(?=10\s*\^)", r"\\times "),
        ("/", r"(?<![A-Za-z\\{])([A-Z]{2})\s*/\s*([A-Z]{2})(?![A-Za-z])", r"\\frac{\1}{\2}"),
        ("/-", r"\+\s*/\s*-", r"\\pm "),
        ("U", r"(?<=[)\]}])\s*U\s*(?=[(\[]|\\[{l])", r"\\cup "),
        ("0x", r"^\s*0x([0-9A-Fa-f]{1,16})\s*$", r"\\operatorname{\1}_{16}"),
        ("_", r"(?<![\w.{\\])(?:\\(?:mathrm|text)\s*\{)?((?=[0-9A-Fa-f]*\d)(?=\d*[A-Fa-f])[0-9A-Fa-f]{2,16})\}?_\s*\{?\s*(16|12|11)\s*\}?", r"\\operatorname{\1}_{\2}"),
        ("_", r"(?<=\d)_\s*\{\s*\((\d{1,2})\)\s*\}", r"_{\1}"),
        ("0b", r"^\s*0b([01]{1,60})\s*$", r"\1_{2}"),
        ("a", r"(?<![a-zA-Z\\])a(sin|cos|tan|cot)(?=\W)", r"\\arc\1 "),
        ("R", r"\bRs\.?\s*(?=\d)", r"\\$"),
        ("\\mid", r"\\mid\s*(\\csc|\\sec|\\sin|\\cos|\\tan|\\cot|[a-zA-Z0-9(])([^|]*?)\\mid(?![a-z])", r"|\1\2|"),
        # several formulas beside each other
        ("$", r"(?<!\\)\$(?:\s*\\q?quad\s*|[ \t]*\n\s*)\$(?!\$)", "$, $"),
        ("quad", rf"\\q?quad\s*(?={_NAME}\s*(?:=|<|>|\\(?:le|ge|leq|geq|in|ne)\b))", ", "),
        ("quad", r"(?<=[\w})\]])\s*\\q?quad\s*(?=[-\d]|\\[dt]?frac|\\sqrt)", ", "),
        # answers to the parts of a question
        ("(b)", r"(?:\\text\s*\{\s*)?(?:[Ff]or\s+)?(?:[Pp]art\s+)?\((?:[a-d]|i{1,3})\)\s*[:.]?\s*\}?(?=\s*[-\d\\$(])(?!\s*\((?:[a-d]|i{1,3})\))", ", "),
        # temperatures
        ("circ", r"(\\(?:text\w*|mathrm|mbox)\s*\{[^{}\\]*?)\^?\s*\{?\s*\\circ\s*\}?\s*C(?:elsius)?(?![A-Za-z])", r"\1 celsius"),
        ("circ", r"(\\(?:text\w*|mathrm|mbox)\s*\{[^{}\\]*?)\^?\s*\{?\s*\\circ\s*\}?\s*F(?:ahrenheit)?(?![A-Za-z])", r"\1 fahrenheit"),
        ("circ", r"\^?\s*\{?\s*\\circ\s*\}?\s*(?:\\(?:text|mathrm|rm)\s*\{\s*|\{\s*\\rm\s*)?C(?:elsius)?(?![A-Za-z])\s*\}?", r" \\text{ celsius}"),
        ("circ", r"\^?\s*\{?\s*\\circ\s*\}?\s*(?:\\(?:text|mathrm|rm)\s*\{\s*|\{\s*\\rm\s*)?F(?:ahrenheit)?(?![A-Za-z])\s*\}?", r" \\text{ fahrenheit}"),
        ("egree", r"(?<![A-Za-z])[Dd]egrees?\s+(?:C|[Cc]elsius)(?![A-Za-z])", "celsius"),
        ("egree", r"(?<![A-Za-z])[Dd]egrees?\s+(?:F|[Ff]ahrenheit)(?![A-Za-z])", "fahrenheit"),
        # frequency and time beside each other are no feet
        ("ft", r"(\\(?:sin|cos|tan)\s*(?:\\left)?\(?[^()]{0,12}\\(?:pi|omega)\s*)ft(?![a-z])", r"\1 f t"),
        # augmented matrices: the bar is layout
        ("array", r"(?<=\\begin\{array\})\{([lcr|\s]+)\}", "{c}"),
        ("matrix", r"&\s*(?:\||\\mid|\\vdots|\\vert)\s*&", "&"),
    )
)  # fmt: skip


def rewritten(text: str) -> str:
    """Return the text with these habits of notation spelled out."""
    for mark, pattern, replacement in _RULES:
        if mark in text:
            text = pattern.sub(replacement, text)
    return text

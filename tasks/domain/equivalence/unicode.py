"""Unicode mathematics as LaTeX: `−½π²` becomes `-\\frac{1}{2}\\pi ^{2}`. One pass, one character at a time."""

from __future__ import annotations

import unicodedata

_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega"
_SIGNS = {
    "−‒–—―﹣－": "-",
    "＋﹢": "+",
    "×✕✖⨯": r"\times ",
    "⋅·∙•・‧": r"\cdot ",
    "÷": r"\div ",
    "∕⁄": "/",
    "±": r"\pm ",
    "∓": r"\mp ",
    "≤⩽≦": r"\le ",
    "≥⩾≧": r"\ge ",
    "≠": r"\ne ",
    "≡": r"\equiv ",
    "≈≃≅": r"\approx ",
    "∞": r"\infty ",
    "√": r"\sqrt ",
    "∛": r"\sqrt[3]",
    "∜": r"\sqrt[4]",
    "∈": r"\in ",
    "∪⋃": r"\cup ",
    "∩⋂": r"\cap ",
    "∖": r"\setminus ",
    "∅⌀": r"\emptyset ",
    "°º˚": r"^\circ ",
    "′’‘": "'",
    "″": "''",
    "“”": '"',
    "…⋯": r"\ldots ",
    "⟨〈": r"\langle ",
    "⟩〉": r"\rangle ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "∣｜": "|",
    "¢": r"\text{ cents}",
    "℃": r" celsius ",
    "℉": r" fahrenheit ",
    "∀": r"\text{ for all }",
    "↦": r"\mapsto ",
    "¥₹": r"\$",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "ℚ": r"\mathbb{Q}",
    "ℂ": r"\mathbb{C}",
    "∧且和与": r"\text{ and }",
    "∨或": r"\text{ or }",
    "∁": r"\complement ",
    "，、": ",",
    "；": ";",
    "：∶": ":",
    "。．": ".",
    "∠": r"\angle ",
    "△": r"\triangle ",
    "ϕ": r"\phi ",
    "∑": r"\sum ",
    "∫": r"\int ",
    "→⟶": r"\to ",
}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", "0123456789+-()ni", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙᵢₖ", "0123456789+-()nik", strict=True))
_TABLE = {character: plain for characters, plain in _SIGNS.items() for character in characters}
_TABLE |= {chr(0x3B1 + at): rf"\{name} " for at, name in enumerate(_GREEK.split())}
_TABLE |= {chr(0x391 + at): rf"\{name.capitalize()} " for at, name in enumerate(_GREEK.split()) if name != "sigmaf"}
_TABLE |= {chr(0x2460 + at): f",{at + 1}," for at in range(20)}  # circled numbers name statements in a list


def plain(text: str) -> str:
    """Return the text with mathematical characters written in ASCII LaTeX; letters of other scripts stay."""
    if text.isascii():
        return text
    parts: list[str] = []
    run = ""
    for character in text:
        kind = "^" if character in _SUPERSCRIPTS else "_" if character in _SUBSCRIPTS else ""
        if run and kind != run:
            parts.append("}")
        if kind and kind != run:
            parts.append(kind + "{")
        run = kind
        parts.append(_SUPERSCRIPTS.get(character) or _SUBSCRIPTS.get(character) or _one(character))
    return "".join(parts) + ("}" if run else "")


def _one(character: str) -> str:
    if character < "\x80":
        return character
    if character in _TABLE:
        return _TABLE[character]
    category = unicodedata.category(character)
    if category == "Cf" or category == "Mn":
        return ""  # zero-width, direction marks, combining accents
    if category == "Zs":
        return " "
    if category == "Nd":
        return str(unicodedata.digit(character))
    return _compatible(character)


def _compatible(character: str) -> str:
    """Full-width, mathematical-alphabet and fraction characters by their compatibility form."""
    form = unicodedata.normalize("NFKC", character)
    if "⁄" in form:  # ½ is 1⁄2
        top, _, bottom = form.partition("⁄")
        return rf"\frac{{{top}}}{{{bottom or 1}}}"
    return form if len(form) <= 4 and form.isascii() else character

"""Names of people: what is one, and when two of them are the same."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 20
"""Characters of a person's name; the rest is cut off."""
_AROUND = "@。.,!?~"
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that are drawn as nothing: Hangul fillers and the empty Braille pattern."""


def person_name(text: str) -> str | None:
    """The name that a text is: one line without what cannot be seen; None if nothing is left."""
    return seen(text)[:LONGEST_NAME].rstrip(" 。，,") or None


def seen(text: str) -> str:
    """What a person sees of a text, on one line."""
    line = "".join(letter if letter.isprintable() and letter not in _BLANKS else " " for letter in text)
    return " ".join(line.split())


def name_key(name: str) -> str:
    """The same for names that people would confuse: in other letter case or width, with other blanks, as `@小李。`."""
    key = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    return key.strip(_AROUND) or key

"""The way back from texts of the generated world to concepts and roles."""

import re
import unicodedata
from typing import Any

from pixel_linguist.data.toy.languages import surface_forms
from pixel_linguist.data.toy.lexicon import concepts


def read_concepts(text: str, code: str) -> list[str]:
    """Return the concepts of a text's content words, in order; other words are ignored."""
    known = surface_forms(code)
    tokens = re.split(r"[\s.]+", unicodedata.normalize("NFC", text).casefold())
    return [known[token] for token in tokens if token in known]


def read_english(text: str) -> dict[str, Any]:
    """Read agent, action, patient, negation and the other concepts of an English sentence."""
    names = read_concepts(text, "en")
    kinds = {name: concepts()[name].kind for name in names}
    nouns = [name for name in names if kinds[name] in ("animate", "inanimate")]
    (action,) = [name for name in names if kinds[name].startswith("verb")]
    tokens = text.lower().split()
    agent, patient = nouns[::-1] if "by" in tokens else nouns
    return {
        "agent": agent,
        "action": action,
        "patient": patient,
        "negated": "not" in tokens,
        "others": set(names) - {agent, action, patient},
    }

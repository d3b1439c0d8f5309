"""Sisters: languages whose words go back to those of another by regular changes."""

import re
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from pixel_linguist.data.toy.generated import inflect
from pixel_linguist.data.toy.language import Forms, Vocabulary
from pixel_linguist.data.toy.lexicon import concepts


def change_word(word: str, grammar: Mapping[str, Any], *, inherited: bool = True) -> str:
    """Return a word of the parent as the sister has it.

    Args:
        word: in lower case, but for names.
        grammar: of the sister, one of `GRAMMARS`.
        inherited: whether sounds have changed; loanwords and names take on the spelling alone.
    """
    lower = word.lower()
    for pattern, replacement in [*(grammar["sounds"] if inherited else ()), *grammar["spelling"]]:
        lower = re.sub(pattern, replacement, lower)
    return lower.capitalize() if word[0].isupper() else lower


def make_cognates(
    parent: Vocabulary, grammar: Mapping[str, Any], taken: Mapping[str, str], markers: Set[str]
) -> Vocabulary:
    """Make the words of a sister, the same every time.

    Each word of the parent has one of the sister: a cognate, a loanword (a share of `loans`), or,
    for a share of `own`, a word unlike it. Names are taken over as loanwords are.

    Args:
        parent: words of the language that it is a sister of.
        taken: forms of all other languages → concept. None is a form for another concept here.
        markers: words without a concept, in any language.

    Returns:
        As many words a concept as the parent has; no form belongs to two words.
    """
    rng = np.random.default_rng(grammar["seed"])
    used, vocabulary = set(markers), {}

    def free(forms: Forms, concept: str) -> bool:
        known = {taken.get(form.casefold(), concept) for form in forms.values()}
        return known == {concept} and used.isdisjoint(map(str.casefold, forms.values()))

    for name, words in parent.items():
        found = []
        for word in words:
            draw, is_name = rng.random(), next(iter(word.values()))[0].isupper()
            inherited = draw >= grammar["own"] + grammar["loans"] and not is_name
            forms: Forms = {
                form: change_word(text, grammar, inherited=inherited) for form, text in word.items()
            }
            # Where sounds have become alike, one form would be left to two concepts.
            if (draw < grammar["own"] and not is_name) or not free(forms, name):
                forms = inflect(rng, grammar, concepts()[name].kind)
            while not free(forms, name):
                forms = inflect(rng, grammar, concepts()[name].kind)
            used.update(map(str.casefold, forms.values()))
            found.append(forms)
        vocabulary[name] = tuple(found)
    return vocabulary

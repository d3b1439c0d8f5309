"""All perturbations by name, and their composition from a specification that is plain data.

A perturbation turns text into another view of it: a pure function
`(text: str, rng: numpy.random.Generator, *, rate: float, ...) -> str`. Text without a word comes
back unchanged, and what has a word keeps at least one character that is not whitespace.
Source of the kinds: visual alignment of Pixel-Linguist, arXiv 2402.08183.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pixel_linguist.registry import check_arguments, choose
from pixel_linguist.text.characters import (
    delete_characters,
    insert_characters,
    keyboard_neighbours,
    repeat_characters,
    scramble_inner_letters,
    substitute_characters,
    transpose_characters,
)
from pixel_linguist.text.disguises import (
    add_diacritics,
    full_width,
    insert_zero_width,
    leetspeak,
    look_alikes,
)
from pixel_linguist.text.rate import check_rate
from pixel_linguist.text.words import (
    change_case,
    change_whitespace,
    drop_words,
    repeat_words,
    shuffle_words,
    shuffle_words_within_window,
)

# The order in which a composition applies them: words, inside words, disguises, case, whitespace.
PERTURBATIONS: dict[str, Callable[..., str]] = {
    perturbation.__name__: perturbation
    for perturbation in (
        shuffle_words,
        shuffle_words_within_window,
        drop_words,
        repeat_words,
        scramble_inner_letters,
        transpose_characters,
        insert_characters,
        delete_characters,
        substitute_characters,
        keyboard_neighbours,
        repeat_characters,
        look_alikes,
        leetspeak,
        add_diacritics,
        full_width,
        insert_zero_width,
        change_case,
        change_whitespace,
    )
}


@dataclass(frozen=True)
class Composition:
    """Perturbations applied one after the other; `compose` builds it from a checked specification.

    `steps` holds pairs of a name in PERTURBATIONS and its keyword arguments, `probability` that
    of perturbing a text at all, `each` that with which each of them takes part in it. It is plain
    data, so it can be sent to worker processes.
    """

    steps: tuple[tuple[str, Mapping[str, Any]], ...]
    probability: float = 1.0
    each: float = 1.0

    def __call__(self, text: str, rng: np.random.Generator) -> str:
        """Return a perturbed view of text, or with 1 - probability the text itself."""
        if rng.random() >= self.probability:
            return text
        for name, keywords in self.steps:
            if self.each < 1 and rng.random() >= self.each:
                continue
            text = PERTURBATIONS[name](text, rng, **keywords)
        return text


def compose(
    spec: Mapping[str, Mapping[str, Any]], probability: float = 1.0, each: float = 1.0
) -> Composition:
    """Build one view maker `(text, rng) -> text` out of perturbations named in `spec`.

    Args:
        spec: name in PERTURBATIONS -> keyword arguments, as in {"shuffle_words": {"rate": 0.5},
            "keyboard_neighbours": {"rate": 0.05}}. They are applied in the order of PERTURBATIONS,
            whatever the order here.
        probability: of perturbing a text at all, from 0 to 1; otherwise it is left clean.
        each: probability with which each of them takes part when a text is perturbed, from 0 to
            1. Below 1 a view has a few of them, which may then be strong.

    Returns:
        A Composition, which can be pickled.

    Raises:
        ValueError: a name or keyword is unknown (the nearest known one is named), a keyword is
            missing, or a value is out of range.
    """
    check_rate(probability, "probability")
    check_rate(each, "each")
    for name, keywords in spec.items():
        perturbation = choose("perturbation", PERTURBATIONS, name)
        check_arguments(name, perturbation, keywords, given=2)
        try:
            # Each one checks the values of its arguments.
            perturbation("", np.random.default_rng(0), **keywords)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    steps = tuple((name, dict(spec[name].items())) for name in PERTURBATIONS if name in spec)
    return Composition(steps, float(probability), float(each))

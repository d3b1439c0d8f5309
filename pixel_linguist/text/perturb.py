"""Perturbations by name, and compositions of them.

A perturbation is a pure function `(text: str, rng: numpy.random.Generator, *, rate: float, ...) ->
str`. It returns text without a word unchanged, and leaves at least one character that is not
whitespace of text with a word. Source: the visual alignment of Pixel-Linguist, arXiv 2402.08183.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pixel_linguist.registry import check_arguments, choose
from pixel_linguist.text import character_noise, visual_attacks, word_noise
from pixel_linguist.text.rate import check_rate

# In the order in which a composition applies them: words, characters, visual attacks, case and
# whitespace.
PERTURBATIONS: dict[str, Callable[..., str]] = {
    perturbation.__name__: perturbation
    for perturbation in (
        word_noise.shuffle_words,
        word_noise.shuffle_words_within_window,
        word_noise.drop_words,
        word_noise.repeat_words,
        word_noise.mask_span,
        word_noise.hide_tags,
        character_noise.scramble_inner_letters,
        character_noise.transpose_characters,
        character_noise.insert_characters,
        character_noise.delete_characters,
        character_noise.substitute_characters,
        character_noise.keyboard_neighbours,
        character_noise.repeat_characters,
        character_noise.ocr_confusions,
        visual_attacks.look_alikes,
        visual_attacks.leetspeak,
        visual_attacks.add_diacritics,
        visual_attacks.full_width,
        visual_attacks.insert_zero_width,
        word_noise.change_case,
        word_noise.change_whitespace,
    )
}


@dataclass(frozen=True)
class Composition:
    """Perturbations applied one after the other, made by `compose`. It can be pickled.

    Attributes:
        steps: (name in PERTURBATIONS, keyword arguments) of each.
        probability: of perturbing a text at all.
        each: probability with which each perturbation is applied to a text that is perturbed.
    """

    steps: tuple[tuple[str, Mapping[str, Any]], ...]
    probability: float = 1.0
    each: float = 1.0

    def __call__(self, text: str, rng: np.random.Generator) -> str:
        """Return a perturbed view of a text, or with 1 - probability the text itself."""
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
    """Compose perturbations into one function `(text, rng) -> text`.

    Args:
        spec: name in PERTURBATIONS → keyword arguments, as in {"shuffle_words": {"rate": 0.5},
            "keyboard_neighbours": {"rate": 0.05}}. They are applied in the order of PERTURBATIONS,
            whatever the order here.
        probability: of perturbing a text at all, from 0 to 1; otherwise it stays the same.
        each: probability with which each perturbation is applied to a text that is perturbed, from
            0 to 1. Below 1 a view has a few perturbations, which may then be strong.

    Raises:
        ValueError: for an unknown name or keyword (the nearest known one is named), a missing
            keyword, or a value out of range.
    """
    check_rate(probability, "probability")
    check_rate(each, "each")
    for name, keywords in spec.items():
        perturbation = choose("perturbation", PERTURBATIONS, name)
        check_arguments(name, perturbation, keywords, given=2)
        try:
            # Each one checks the values of its arguments.
            perturbation("a", np.random.default_rng(0), **keywords)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    steps = tuple((name, dict(spec[name])) for name in PERTURBATIONS if name in spec)
    return Composition(steps, float(probability), float(each))

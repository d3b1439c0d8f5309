"""Pictures of propositions: they say the meaning, and nothing of the words."""

import numpy as np

from pixel_linguist.data.toy import Proposition, ToySource
from pixel_linguist.data.toy.lexicon import concepts
from pixel_linguist.data.toy.scenes import icon, scene_picture

FULL = Proposition(
    "cook", "find", "card", "brave", "two", "red", "several", "kitchen", "dawn", "quickly"
)


def test_a_picture_shows_each_role() -> None:
    names = list(concepts())
    pictures = [FULL, FULL.swapped(), FULL.replaced(negated=True)]
    for role in ("agent", "action", "patient", *FULL.modifiers()):
        pictures.append(FULL.replaced(**{role: names[5]}))
        if role in FULL.modifiers():
            pictures.append(FULL.replaced(**{role: None}))
    drawn = {scene_picture(proposition).tobytes() for proposition in pictures}
    assert len(drawn) == len(pictures)


def test_few_concepts_share_an_icon() -> None:
    icons = {icon(name).tobytes() for name in concepts()}
    assert len(icons) > 0.99 * len(concepts())


def test_scenes_do_not_depend_on_the_languages() -> None:
    one, two = (
        ToySource("scenes", split="test", size=9, languages=codes)
        for codes in (("en",), ("vel", "en"))
    )
    for number in range(9):
        first, second = one[number], two[number]
        np.testing.assert_array_equal(first["picture"], second["picture"])
        assert first.keys() == {"picture", "en", "group"}
        assert second.keys() == {"picture", "en", "vel", "group"}
        assert first["group"] == number
        assert one.meaning(number)["en"] == two.meaning(number)["vel"]

"""Pictures of propositions of the generated world, in which nothing is written."""

import functools

import numpy as np

from pixel_linguist.data.toy.lexicon import digest
from pixel_linguist.data.toy.proposition import Proposition

SIZE = 64
# Cells of an icon to a side; a column and its mirror image are alike.
_CELLS = 5
# Role → row and column of its icon's corner, and pixels to a side of a cell.
_PLACES = {
    "place": (0, 0, 3),
    "action": (0, 16, 3),
    "manner": (0, 32, 3),
    "time": (0, 48, 3),
    "agent": (19, 3, 5),
    "patient": (19, 35, 5),
    "agent_attribute": (48, 0, 3),
    "agent_quantity": (48, 16, 3),
    "patient_attribute": (48, 32, 3),
    "patient_quantity": (48, 48, 3),
}


@functools.cache
def icon(concept: str) -> np.ndarray:
    """Return the icon of a concept, uint8 [5, 5, 3]: a pattern and a colour, both by its digest."""
    bits = np.unpackbits(np.frombuffer(digest(concept).to_bytes(8, "big"), np.uint8))
    half = bits[:15].reshape(_CELLS, 3)
    pattern = np.concatenate([half, half[:, 1::-1]], axis=1)
    colour = 31 + 32 * (bits[15:24].reshape(3, 3) @ np.array([4, 2, 1]))
    return (pattern[..., None] * colour).astype(np.uint8)


def scene_picture(proposition: Proposition) -> np.ndarray:
    """Draw a proposition: uint8 [64, 64, 3], paper 0.

    Agent and patient stand beside each other, each over its attribute and quantity; place, action,
    manner and time are above. A negated action is struck out.
    """
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    for role, (top, left, scale) in _PLACES.items():
        if concept := getattr(proposition, role):
            side = scale * _CELLS
            drawn = icon(concept).repeat(scale, axis=0).repeat(scale, axis=1)
            picture[top : top + side, left : left + side] = drawn
    if proposition.negated:
        top, left, scale = _PLACES["action"]
        place = np.arange(scale * _CELLS)
        picture[top + place, left + place] = picture[top + place, left + place[::-1]] = 255
    return picture

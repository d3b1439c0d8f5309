"""Drawing meanings: propositions, scenes of a theme, and what follows from or contradicts them."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from pixel_linguist.data.toy.lexicon import concepts, of_kind, themes
from pixel_linguist.data.toy.proposition import (
    HIGHEST_SCORE,
    MODIFIERS,
    Proposition,
    digest,
    similarity,
    split_of,
    split_of_core,
    swapped,
)
from pixel_linguist.data.toy.zipf import pick_rank

# How often a role is filled, and how many at most, negation included (sentences stay short).
_PROBABILITY = {
    "place": 0.35,
    "agent_attribute": 0.3,
    "patient_attribute": 0.3,
    "time": 0.25,
    "manner": 0.15,
    "patient_quantity": 0.15,
    "agent_quantity": 0.12,
}
_MOST_MODIFIERS = 3
_NEGATED = 0.15
# In a scene: the share of concepts that come from its theme, and of sentences with a modifier.
_THEMATIC = 0.8
_SCENE_MODIFIER = 0.3
_SCENE_NEGATED = 0.05
_VERBS = ("verb animate", "verb inanimate")
# Two is too few to be called several.
_SEVERAL, _TOO_FEW = "several", "two"


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Draw one of the options, all equally likely."""
    return options[int(rng.random() * len(options))]


@functools.cache
def _ranked(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return concepts by falling frequency; the rank follows from the name alone."""
    return tuple(sorted(names, key=digest))


def pick_concept(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    """Draw one of some concepts, by Zipf's law."""
    return _ranked(names)[pick_rank(rng, len(names))]


@functools.cache
def _patient_kind(action: str) -> str:
    """Return the kind of noun that a verb takes as its patient."""
    return concepts()[action].kind.removeprefix("verb ")


def fillers(proposition: Proposition, role: str) -> tuple[str, ...]:
    """Return the concepts that can fill a role of a proposition."""
    if role == "agent":
        return of_kind("animate")
    if role == "action":
        return of_kind(concepts()[proposition.action].kind)
    if role == "patient":
        return of_kind(_patient_kind(proposition.action))
    noun, _, part = role.partition("_")
    if part == "attribute":
        return of_kind("adjective", f"adjective {concepts()[getattr(proposition, noun)].kind}")
    return of_kind(part or role)


def draw_proposition(rng: np.random.Generator, split: str) -> Proposition:
    """Draw a proposition of a split; the concepts of a kind follow Zipf's law."""
    while True:
        action = pick_concept(rng, of_kind(*_VERBS))
        agent = pick_concept(rng, of_kind("animate"))
        patient = pick_concept(rng, of_kind(_patient_kind(action)))
        if agent != patient and split_of_core(agent, action, patient) == split:
            break
    core = Proposition(agent, action, patient, negated=rng.random() < _NEGATED)
    roles = [role for role in _PROBABILITY if rng.random() < _PROBABILITY[role]]
    while len(roles) + core.negated > _MOST_MODIFIERS:
        roles.pop(int(rng.random() * len(roles)))
    return core.with_roles({role: pick_concept(rng, fillers(core, role)) for role in roles})


def replaced(
    rng: np.random.Generator, proposition: Proposition, role: str, options: tuple[str, ...]
) -> Proposition:
    """Fill a role with another of the options, so that the split stays the same."""
    split, old = split_of(proposition), getattr(proposition, role)
    while True:
        new = proposition.with_roles({role: pick_concept(rng, options)})
        if getattr(new, role) != old and new.agent != new.patient and split_of(new) == split:
            return new


def entailed(rng: np.random.Generator, premise: Proposition) -> Proposition:
    """Draw what follows from a premise: modifiers are left out, three or more become several.

    From a negated premise only itself follows ("no cook sang at noon" leaves open dawn).
    """
    if premise.negated:
        return premise
    weaker: dict[str, str | None] = {}
    for role in premise.modifiers():
        if not role.endswith("quantity"):
            if rng.random() < 0.5:
                weaker[role] = None
        elif getattr(premise, role) != _TOO_FEW and rng.random() < 0.3:
            weaker[role] = _SEVERAL
    return premise.with_roles(weaker)


def _contradictable(premise: Proposition) -> list[str]:
    """Return the roles whose change contradicts a premise that is not negated."""
    opposed = [role for role in premise.modifiers() if concepts()[getattr(premise, role)].opposites]
    place = ["place"] if premise.place else []
    return ["agent", "patient", *place, *opposed]


def contradicting(rng: np.random.Generator, premise: Proposition) -> Proposition:
    """Draw a proposition that cannot be true beside a premise, one change away from it.

    The change is one of: the negation, agent and patient exchanged, another agent, patient or
    place, an opposite attribute, time, manner or number. Of a negated premise only the negation.
    """
    changes = ["negated"]
    if not premise.negated:
        changes += _contradictable(premise)
        if _patient_kind(premise.action) == "animate":
            changes.append("swap")
    change = pick(rng, changes)
    if change == "negated":
        return dataclasses.replace(premise, negated=not premise.negated)
    if change == "swap":
        return swapped(premise)
    opposites = concepts()[getattr(premise, change)].opposites
    core_or_place = change in ("agent", "patient", "place")
    options = fillers(premise, change) if core_or_place else opposites
    return replaced(rng, premise, change, options)


def _changed(rng: np.random.Generator, proposition: Proposition, change: str) -> Proposition:
    """Negate, exchange agent and patient, or fill, empty or change a role."""
    if change == "negated":
        return dataclasses.replace(proposition, negated=not proposition.negated)
    if change == "swap":
        return swapped(proposition)
    if change in MODIFIERS and getattr(proposition, change) and rng.random() < 0.3:
        return proposition.with_roles({change: None})
    return replaced(rng, proposition, change, fillers(proposition, change))


def graded(rng: np.random.Generator, first: Proposition) -> Proposition:
    """Draw a second proposition whose similarity to the first is about uniform in 0..5.

    Changes are made until a score drawn beforehand is reached.
    """
    target = rng.random() * HIGHEST_SCORE
    changes = ["agent", "action", "patient", *first.modifiers()]
    if len(changes) < 3 + _MOST_MODIFIERS and rng.random() < 0.5:
        changes.append(pick(rng, [role for role in MODIFIERS if role not in changes]))
    changes = [changes[k] for k in rng.permutation(len(changes))]
    if _patient_kind(first.action) == "animate" and rng.random() < 0.1:
        changes.insert(0, "swap")
    if rng.random() < 0.12:
        changes.insert(0, "negated")
    second, score = first, HIGHEST_SCORE
    for change in changes:
        candidate = _changed(rng, second, change)
        new_score = similarity(first, candidate)
        if abs(new_score - target) < abs(score - target):
            second, score = candidate, new_score
    return second


@dataclasses.dataclass(frozen=True)
class Scene:
    """A place of a theme with a small cast and the things at hand; each has one attribute."""

    theme: str
    place: str
    cast: tuple[str, ...]
    things: tuple[str, ...]
    attributes: dict[str, str]


def _draw_thematic(
    rng: np.random.Generator, theme: str, kinds: tuple[str, ...], count: int
) -> tuple[str, ...]:
    """Draw different concepts of some kinds, mostly of the theme, else of any."""
    own, every = of_kind(*kinds, theme=theme), of_kind(*kinds)
    drawn: dict[str, None] = {}
    tries = 0
    while len(drawn) < count:
        # A theme with few concepts of a kind soon has none left.
        thematic = bool(own) and tries < 2 * count and rng.random() < _THEMATIC
        drawn[pick_concept(rng, own if thematic else every)] = None
        tries += 1
    return tuple(drawn)


def draw_scene(rng: np.random.Generator) -> Scene:
    """Draw a scene: two or three in its cast, and four things."""
    theme = pick(rng, themes())
    (place,) = _draw_thematic(rng, theme, ("place",), 1)
    cast = _draw_thematic(rng, theme, ("animate",), 2 + int(rng.random() * 2))
    things = _draw_thematic(rng, theme, ("inanimate",), 4)
    attributes = {}
    for nouns, kind in ((cast, "animate"), (things, "inanimate")):
        for noun in nouns:
            kinds = ("adjective", f"adjective {kind}")
            (attributes[noun],) = _draw_thematic(rng, theme, kinds, 1)
    return Scene(theme, place, cast, things, attributes)


def draw_of_scene(rng: np.random.Generator, scene: Scene, split: str) -> Proposition:
    """Draw a proposition of a scene, of a split."""
    own, every = of_kind(*_VERBS, theme=scene.theme), of_kind(*_VERBS)
    while True:
        # Any action will do now and then, so that every split has some for every scene.
        action = pick_concept(rng, own if rng.random() < _THEMATIC else every)
        agent = pick(rng, scene.cast)
        animate = _patient_kind(action) == "animate"
        patient = pick(rng, scene.cast if animate else scene.things)
        if agent != patient and split_of_core(agent, action, patient) == split:
            break
    options = {
        "agent_attribute": scene.attributes[agent],
        "patient_attribute": scene.attributes[patient],
        "place": scene.place,
        "time": pick_concept(rng, of_kind("time")),
    }
    chosen = {role: name for role, name in options.items() if rng.random() < _SCENE_MODIFIER}
    negated = rng.random() < _SCENE_NEGATED
    return Proposition(agent, action, patient, negated=negated, **chosen)

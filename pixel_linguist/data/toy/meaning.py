"""Draws of meanings: propositions, documents, and what a proposition entails or contradicts."""

import functools

from numpy.random import Generator

from pixel_linguist.data.toy.lexicon import VERBS, concepts, of_kind, pick, pick_concept, themes
from pixel_linguist.data.toy.proposition import (
    HIGHEST_SCORE,
    MODIFIERS,
    Proposition,
    similarity,
    split_of,
    split_of_core,
)

# Probabilities of roles, and the most that are filled, negation included (sentences stay short).
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
# In a scene: the share of concepts of its theme, and of sentences with a modifier or a negation.
_THEMATIC = 0.8
_SCENE_MODIFIER = 0.3
_SCENE_NEGATED = 0.05
# Two are too few to be called several.
_SEVERAL, _TOO_FEW = "several", "two"


@functools.cache
def _patient_kind(action: str) -> str:
    """Return the kind of noun that a verb takes as its patient."""
    return concepts()[action].kind.removeprefix("verb ")


def _fillers(proposition: Proposition, role: str) -> tuple[str, ...]:
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


def draw_proposition(rng: Generator, split: str) -> Proposition:
    """Draw a proposition of a split; the concepts of a kind follow Zipf's law."""
    while True:
        action = pick_concept(rng, of_kind(*VERBS))
        agent = pick_concept(rng, of_kind("animate"))
        patient = pick_concept(rng, of_kind(_patient_kind(action)))
        if agent != patient and split_of_core(agent, action, patient) == split:
            break
    core = Proposition(agent, action, patient, negated=rng.random() < _NEGATED)
    roles = [role for role in _PROBABILITY if rng.random() < _PROBABILITY[role]]
    while len(roles) + core.negated > _MOST_MODIFIERS:
        roles.pop(int(rng.random() * len(roles)))
    return core.replaced(**{role: pick_concept(rng, _fillers(core, role)) for role in roles})


def _refilled(
    rng: Generator, proposition: Proposition, role: str, options: tuple[str, ...]
) -> Proposition:
    """Fill a role with another of the options that keeps the split."""
    split, old = split_of(proposition), getattr(proposition, role)
    while True:
        new = proposition.replaced(**{role: pick_concept(rng, options)})
        if getattr(new, role) != old and new.agent != new.patient and split_of(new) == split:
            return new


def entailed(rng: Generator, premise: Proposition) -> Proposition:
    """Draw a consequence of a premise: without some modifiers, or with "several" for a number.

    A negated premise entails only itself ("no cook sang at noon" leaves open dawn).
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
    return premise.replaced(**weaker)


def contradicting(rng: Generator, premise: Proposition) -> Proposition:
    """Draw a proposition that cannot be true beside a premise, one change away from it.

    The change is one of: the negation, agent and patient exchanged, another agent, patient or
    place, an opposite attribute, time, manner or number. Of a negated premise only the negation.
    """
    opposites = {r: concepts()[getattr(premise, r)].opposites for r in premise.modifiers()}
    changes = ["negated"]
    if not premise.negated:
        changes += ["agent", "patient", *(["place"] if premise.place else [])]
        changes += [role for role in opposites if opposites[role]]
        if _patient_kind(premise.action) == "animate":
            changes.append("swap")
    change = pick(rng, changes)
    if change in ("negated", "swap"):
        return _changed(rng, premise, change)
    if change in ("agent", "patient", "place"):
        return _refilled(rng, premise, change, _fillers(premise, change))
    return _refilled(rng, premise, change, opposites[change])


def _changed(rng: Generator, proposition: Proposition, change: str) -> Proposition:
    """Negate, exchange agent and patient, or fill, empty or refill a role."""
    if change == "negated":
        return proposition.replaced(negated=not proposition.negated)
    if change == "swap":
        return proposition.swapped()
    if change in MODIFIERS and getattr(proposition, change) and rng.random() < 0.3:
        return proposition.replaced(**{change: None})
    return _refilled(rng, proposition, change, _fillers(proposition, change))


def similar(rng: Generator, first: Proposition) -> Proposition:
    """Draw a second proposition; its similarity to the first is about uniform in 0..5.

    Of some changes in random order, those are made that lead closer to a score drawn beforehand.
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


def _draw_thematic(
    rng: Generator, theme: str, kinds: tuple[str, ...], count: int
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


def draw_document(rng: Generator, split: str) -> tuple[Proposition, ...]:
    """Draw 6 to 12 propositions of a scene, mostly of concepts of one theme.

    A scene has one place, a cast of two or three, and four things; each has one attribute.
    """
    theme = pick(rng, themes())
    (place,) = _draw_thematic(rng, theme, ("place",), 1)
    cast = _draw_thematic(rng, theme, ("animate",), 2 + int(rng.random() * 2))
    things = _draw_thematic(rng, theme, ("inanimate",), 4)
    attributes = {}
    for nouns, kind in ((cast, "animate"), (things, "inanimate")):
        for noun in nouns:
            kinds = ("adjective", f"adjective {kind}")
            (attributes[noun],) = _draw_thematic(rng, theme, kinds, 1)
    count = 6 + int(rng.random() * 7)
    told: dict[tuple[str, ...], Proposition] = {}
    own, every = of_kind(*VERBS, theme=theme), of_kind(*VERBS)
    while len(told) < count:
        # Now and then the action is of another theme, so that every split has some for the scene.
        action = pick_concept(rng, own if rng.random() < _THEMATIC else every)
        agent = pick(rng, cast)
        patient = pick(rng, cast if _patient_kind(action) == "animate" else things)
        if agent == patient or split_of_core(agent, action, patient) != split:
            continue
        options = {
            "agent_attribute": attributes[agent],
            "patient_attribute": attributes[patient],
            "place": place,
            "time": pick_concept(rng, of_kind("time")),
        }
        chosen = {role: name for role, name in options.items() if rng.random() < _SCENE_MODIFIER}
        negated = rng.random() < _SCENE_NEGATED
        new = Proposition(agent, action, patient, negated=negated, **chosen)
        # An event is told once, so that a document does not contradict itself.
        told.setdefault((agent, action, patient), new)
    return tuple(told.values())

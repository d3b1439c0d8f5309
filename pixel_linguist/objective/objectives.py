"""Objectives by name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pixel_linguist.objective.adversarial import Adversarial
from pixel_linguist.objective.arc_margin import ArcMargin
from pixel_linguist.objective.coherence import Coherence
from pixel_linguist.objective.context_prediction import ContextPrediction
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.contriever import Contriever
from pixel_linguist.objective.cosent import CoSENT
from pixel_linguist.objective.distillation import Distillation
from pixel_linguist.objective.entries import EntryPrediction
from pixel_linguist.objective.explicit import ExplicitContrast
from pixel_linguist.objective.grounded import Grounded
from pixel_linguist.objective.joined import JoinedClassification
from pixel_linguist.objective.masked_autoencoder import MaskedAutoencoder
from pixel_linguist.objective.matryoshka import Matryoshka
from pixel_linguist.objective.pair_scores import JoinedScore, PairDistillation
from pixel_linguist.objective.preference import Preference
from pixel_linguist.objective.protocol import Objective
from pixel_linguist.objective.relations import Relations
from pixel_linguist.objective.score_map import ScoreMap
from pixel_linguist.objective.whitening import GroupWhitening
from pixel_linguist.registry import make


def _matryoshka(
    objective: Mapping[str, Any],
    prefixes: Sequence[int] = (64, 128, 256),
    weights: Sequence[float] = (),
) -> Matryoshka:
    return Matryoshka(make_objective(objective), tuple(prefixes), tuple(weights))


def _adversarial(objective: Mapping[str, Any], steps: int = 3, size: float = 0.01) -> Adversarial:
    return Adversarial(make_objective(objective), steps, size)


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "info_nce": InfoNCE,
    "contriever": Contriever,
    "adversarial": _adversarial,
    "coherence": Coherence,
    "context_prediction": ContextPrediction,
    "cosent": CoSENT,
    "distillation": Distillation,
    "entry_prediction": EntryPrediction,
    "explicit_contrast": ExplicitContrast,
    "group_whitening": GroupWhitening,
    "grounded": Grounded,
    "arc_margin": ArcMargin,
    "score_map": ScoreMap,
    "joined_classification": JoinedClassification,
    "joined_score": JoinedScore,
    "masked_autoencoder": MaskedAutoencoder,
    "matryoshka": _matryoshka,
    "pair_distillation": PairDistillation,
    "preference": Preference,
    "relations": Relations,
}


def make_objective(spec: Mapping[str, Any]) -> Objective:
    """Make the objective that {"name": ..., **arguments} describes.

    Raises:
        ValueError: for an unknown name or argument, naming the nearest known, or a wrong value.
    """
    return make("objective", OBJECTIVES, spec)

"""Training objectives: pure functions of outputs and batch, with no knowledge of models."""

from pixel_linguist.objective.registry import OBJECTIVES, Objective, make_objective

__all__ = ["OBJECTIVES", "Objective", "make_objective"]

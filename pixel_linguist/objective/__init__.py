"""Training methods: pure functions of parameters and batches of views."""

from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective, View
from pixel_linguist.objective.registry import OBJECTIVES, make_objective

__all__ = ["AXIS", "OBJECTIVES", "Batch", "Encode", "Objective", "View", "make_objective"]

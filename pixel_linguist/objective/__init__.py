"""Training methods: pure functions of parameters and batches of views."""

from pixel_linguist.objective.objectives import OBJECTIVES, make_objective
from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective, View

__all__ = ["AXIS", "OBJECTIVES", "Batch", "Encode", "Objective", "View", "make_objective"]

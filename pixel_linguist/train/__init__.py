"""Training: one step for all devices, one loop for a stage, and recipes made of stages."""

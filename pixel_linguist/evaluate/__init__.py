"""Evaluation: tasks that score whatever turns texts into vectors, and the encoder that does."""

"""Evaluation: tasks that score embeddings of texts, and the embedder of an encoder."""

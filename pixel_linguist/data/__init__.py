"""From raw records to batches: sources, pair makers, the generated world, the loader."""

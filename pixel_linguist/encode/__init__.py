"""Encoding whole files: any size, in shards, by several processes, resumed where it was cut off."""

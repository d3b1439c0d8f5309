"""The command line: one way in, one file a verb."""

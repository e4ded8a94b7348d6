"""Whole ways from start to end: the demo, the rehearsal."""

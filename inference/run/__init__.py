"""Machinery of long runs: progress, checkpoints, workers and random streams."""

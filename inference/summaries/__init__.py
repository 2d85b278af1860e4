"""Summaries of one fit: named scalar quantities, their statistics, and the summary table."""

"""Numbers of one fit: named quantities, their statistics, and the summary table."""

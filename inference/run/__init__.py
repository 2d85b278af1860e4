"""What a long run needs: progress, checkpoints, workers, random streams, atomic writes."""

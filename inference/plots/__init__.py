"""What every figure and report shares."""

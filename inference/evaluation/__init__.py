"""Evaluation of fits: comparison, calibration, held-out likelihood, choice of sizes and standard errors."""

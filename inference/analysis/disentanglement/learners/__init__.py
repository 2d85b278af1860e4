"""Learners of factors from codes: boosted trees, random forests, linear classifiers."""

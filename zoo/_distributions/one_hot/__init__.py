"""One-hot vectors: ``OneHotCategorical(logits)``, which Pyro has and NumPyro has not.

``in_numpyro`` provides it with the arguments of ``pyro.distributions.OneHotCategorical``: ``probs`` or ``logits``, with
the categories last. Relaxed gradient estimators need it in the place of ``Categorical``: a program that multiplies by a
one-hot vector can be evaluated between the categories, and one that indexes by a number cannot.
"""

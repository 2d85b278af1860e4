"""EM for any program whose discrete sites can list their values: nothing of the model but its log-densities.

E: the posterior over the values that each factor joins, one backward pass (``enumeration``). M: quasi-Newton steps
up the expected complete-data log joint, over the parameters mapped to free numbers, so that a simplex stays one.
No prior's Jacobian is added: the objective is the density of the latents as they stand on the card.

Each ``in_<backend>.py`` completes ``ascent.Ascent``, which has the methods of ``exponential_family``'s, and also

    free(params), constrain(free)      parameters to a vector of free numbers, and back
    hessian(params)                    of the objective, with respect to the free numbers
"""

"""EM for any program whose discrete sites have finite support, from its log-densities alone.

E-step: the posterior over the values that each factor joins, one backward pass (``inference.exact.enumeration``).
M-step: quasi-Newton steps up the expected complete-data log joint, over the parameters mapped to unconstrained
coordinates, so that a simplex stays a simplex. The Jacobian of the mapping is not added: the objective is the density
of the latents as they stand on the card.

Each ``in_<backend>.py`` completes ``step.GeneralStep``, which has the methods of ``backend.EMStep``, and also

    unconstrain(params), constrain(vector)  parameters to a vector of coordinates, and back
    hessian(params)                         of the objective, with respect to the coordinates
"""

"""Stochastic variational inference: a guide made close to the posterior by stochastic gradients of the ELBO.

Discrete latents are summed out exactly, so every guide over the other latents works with the plain ELBO (Hoffman et
al. 2013; Ranganath, Gerrish and Blei 2014). The trace is the ELBO estimated at each step, in nats: higher is better,
and it stays below the log evidence. Draws come from the guide at the end, each with log p - log q.

Options: ``num_steps``; ``learning_rate``, a number or a schedule (a function from the step to a number, such as
optax's); ``optimizer``, Adam unless given: for NumPyro an optax GradientTransformation (which has its own learning
rate), for Pyro a class of torch.optim; ``batch_size``, how many rows a step sees, drawn without replacement until an
epoch is through (rows that do not fill a batch wait for another epoch); ``num_particles``, draws of the guide per
step; ``guide``, one of ``guides.names()``, or a function ``guide(program, start)`` that returns a guide of the backend
for ``program``, whose arguments are the data and every keyword, by name; ``num_draws`` from the guide at the end;
``start``, a dict of values to begin from (as EM begins where EM knows the model, else the prior's median);
``collapsed``, False for the full program where a model has one with the latents of its rows integrated out.
"""

from __future__ import annotations

from inference.free import without_gradients
from zoo import Card

OPTIONS = {
    "num_steps": 5000,
    "learning_rate": 0.01,
    "optimizer": None,
    "batch_size": None,
    "num_particles": 1,
    "guide": "mean_field",
    "num_draws": 1000,
    "start": None,
    "collapsed": True,
}


def refuses(card: Card, backend: str) -> str | None:
    """SVI needs gradients: discrete latents must be such as can be summed out, and some latent continuous."""
    return without_gradients(card)

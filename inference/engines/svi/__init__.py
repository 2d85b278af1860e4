"""Stochastic variational inference: a guide made close to the posterior by stochastic gradients of a bound.

Discrete latents are summed out exactly, so every guide over the other latents works with the plain ELBO (Hoffman et
al. 2013; Ranganath, Gerrish and Blei 2014). The trace is the bound estimated at each step, in nats: higher is better,
and it stays below the log evidence. Draws come from the guide at the end, each with log p - log q. What a program
learns, the weights of networks and all other ``param`` statements, is trained with the guide, by maximum likelihood.

Length and steps: ``num_steps``, or ``num_epochs`` in its place; ``learning_rate``, a number or a schedule (a function
from the step to a number, such as optax's); ``optimizer``, Adam unless given: for NumPyro an optax
GradientTransformation (which has its own learning rate), for Pyro a class of torch.optim; ``clip_norm``, the longest
gradient of the bound per row; ``weight_average``, the decay of an exponential moving average of all parameters, which
is then the fit; ``batch_size``, how many rows a step sees, drawn without replacement until an epoch is through (rows
that do not fill a batch wait for another epoch); ``minibatches``, "host" for rows carried over as they are needed,
"device" for data that lies on the device, "auto" for what its size suggests.

Objective: ``objective``, "elbo" or "iwae" (importance-weighted, Burda, Grosse and Salakhutdinov 2016), or an
``inference.objectives.Objective``; ``num_particles``, draws of the guide per step; ``gradient``, "reparameterised",
"sticking_the_landing" or "doubly_reparameterised"; ``kl``, "sampled", or "analytic" where there is a formula; ``beta``,
what the KL divergence counts: a number, or a function of the fraction of training done; ``warm_up``, the fraction of
training over which it rises to that from 0.

Holding out and keeping: ``held_out``, a fraction of the rows to hold out, whose ELBO is looked at after each epoch, the
best weights being the fit; ``patience``, epochs without a gain there after which training ends; ``checkpoint``, a
folder in which training is kept and from which it goes on, if it is there already, bit for bit as if it had never
stopped;
``checkpoint_every``, epochs.

Guide: ``guide``, one of ``guides.names()``, or a function ``guide(program, start)`` that returns a guide of the backend
for ``program``, whose arguments are the data and every keyword, by name; by default the model's own where it has one,
which is amortised: a network that reads the rows. ``num_draws`` from the guide at the end, unless it is amortised;
``start``, a dict of values to begin from (as EM begins where EM knows the model, else the prior's median), for networks
of everything that is learned, as in ``fit.state``; ``collapsed``, False for the full program where a model has one with
the latents of its rows integrated out.
"""

from __future__ import annotations

import guides
from inference.unconstrained import without_gradients
from zoo import Card

OPTIONS = {
    "num_steps": 5000,
    "num_epochs": None,
    "learning_rate": 0.01,
    "optimizer": None,
    "clip_norm": None,
    "weight_average": None,
    "batch_size": None,
    "minibatches": "auto",
    "objective": "elbo",
    "num_particles": 1,
    "gradient": "reparameterised",
    "kl": "sampled",
    "beta": 1.0,
    "warm_up": 0.0,
    "held_out": None,
    "patience": None,
    "checkpoint": None,
    "checkpoint_every": 1,
    "guide": "mean_field",
    "num_draws": 1000,
    "start": None,
    "collapsed": True,
}
INTENSITIES = True  # each step sees a draw of its own


def refuses(card: Card, backend: str) -> str | None:
    """SVI needs gradients: discrete latents must be such as can be summed out, and some latent continuous.

    A guide of the model's own sees to its latents itself.
    """
    return None if card.name in guides.names() else without_gradients(card)


def defaults(card: Card) -> dict[str, object]:
    """A model's own guide where there is one; networks learn by smaller steps, or as the guide's ``OPTIONS`` say."""
    if card.name not in guides.names():
        return {}
    return {"guide": card.name, "learning_rate": 1e-3, **guides.options(card.name)}

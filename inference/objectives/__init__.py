"""Objectives of variational inference: lower bounds on log p(data) of any program and guide.

    elbo   E_q[ log p(x, z) - log q(z) ], by the mean of K draws (Jordan et al. 1999; Kingma and Welling 2014)
    iwae   E_q[ log 1/K sum_k p(x, z_k) / q(z_k) ], which rises with K to log p(x) (Burda et al. 2016)

The K draws are of the latents of the rows (those of the guide's plate N) given one draw of all other latents, so that
``iwae`` weighs the draws of each row by themselves and batches of rows are unbiased for all rows. A guide without
latents of the rows is drawn K times; ``iwae`` then has one weight for all the data, and takes no batches.

A penalty on the codes of the rows is added to the KL divergence of ``elbo`` by ``penalties``: then it is another
objective, which is no bound, and the metrics have its value as ``objective``.

Gradients with respect to the parameters of program and guide:

    reparameterised         through the draws and the density of the guide
    sticking_the_landing    without the score of the guide, whose mean is 0 for ``elbo``: no noise is left where the
                            guide is the posterior (Roeder et al. 2017). For ``iwae`` with K > 1 it is biased
    doubly_reparameterised  for ``iwae``: unbiased, and its signal-to-noise ratio for the guide does not fall with K
                            (Tucker et al. 2019)

A discrete latent of the guide is enumerated or drawn with an estimator of its gradient (``estimators``, ``choice``,
``estimated``). An enumerated one takes each of its E values, weighted by q. ``iwae`` is then
sum_y q(y) log 1/K sum_k p(x, y, z_k) / (q(y) q(z_k | y)), which trains q(y) as the ELBO does and approaches
log p(x) - KL(q(y) || p(y | x)). Factors and observed sites of the guide are part of log q, as in both backends: they
lower the value that is maximised. They are no part of the bound that is reported.

Each ``in_<backend>.py`` provides

    terms(program, guide, [params, key,] inputs, objective)         BoundTerms, differentiable
    bound(objective, program, guide, [params, key,] inputs, beta, fraction, state)   (value to maximise, BoundDetails)
    initial_state(program, guide, [params, key,] inputs, objective)                  the first ``state``

for a program and a guide that are functions of ``inputs`` by name, after ``minibatch`` of ``zoo._backend`` where there
are batches. ``fraction`` is that of training that is done, and ``state`` what estimators and the penalty have learned.
``params`` are the constrained values of every param statement, by name, and ``key`` a seed, in NumPyro alone: Pyro
keeps both globally. ``beta`` multiplies log q(z) - log p(z), or the KL, of every latent (Higgins et al. 2017). The
value is a scalar in nats, for all N rows. The metrics are ``elbo`` (at beta = 1), which is ``reconstruction`` less
``kl``, and for the importance-weighted bound ``iwae`` (at beta = 1): each a scalar in nats for all N rows, without
gradients and without the guide's factors.

In NumPyro the K draws are mapped over; in Pyro they are one more dimension, left of the rows, over which programs and
guides broadcast. Where they cannot (other plates within the rows, classes after a draw, discrete latents that
``marginalize`` sums over all rows at once) Pyro runs them one by one.

Both raise ZooError for a guide without a gradient through its draws, naming the site; where a latent of the program has
no site in the guide; and for ``iwae`` where batches, or a factor of all rows at once, would make it no bound.

The log densities by draw, class and row come from ``densities.GuideAndProgram``, which the evaluation of amortised fits
(``inference.amortised``) uses as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from inference.objectives.estimators import EVERY_SITE, Auto, Estimator
from inference.objectives.penalties import Penalty
from zoo.errors import ZooError, unknown
from zoo.types import BackendArray

__all__ = ["EVALUATION", "GRADIENTS", "KLS", "NAMES", "BoundDetails", "BoundTerms", "EstimatorStates", "Objective"]

NAMES = ("elbo", "iwae")
GRADIENTS = ("reparameterised", "sticking_the_landing", "doubly_reparameterised")
KLS = ("sampled", "analytic")


@dataclass(frozen=True)
class Objective:
    """A bound on log p(data) and an estimator of its gradient.

    Parameters
    ----------
    name : {"elbo", "iwae"}, default "elbo"
        The bound.
    num_particles : int, default 1
        K, the number of draws from the guide in each step, from 1 up.
    gradient : {"reparameterised", "sticking_the_landing", "doubly_reparameterised"}, default "reparameterised"
        The estimator of the gradient; the last one is for ``iwae`` alone.
    kl : {"sampled", "analytic"}, default "sampled"
        "analytic" replaces the sampled log q - log p of a latent by KL(q || p) where the backend has a formula for it,
        for ``elbo`` alone. A latent whose prior may depend on what the guide draws after it stays sampled.
    estimators : tuple of (str, Estimator), optional
        Those of discrete latents of the guide, each with its site: see ``inference.objectives.estimators``.
    free_bits : float, default 0
        Nats that the KL of each group counts at least, in the mean over the rows of a batch, for ``elbo`` alone. A
        group is a latent of the rows (``inference.objectives.groups``). The metrics are the actual ones.
    kl_balance : float, default 0
        The fraction of training over which the KL of each group has a weight proportional to that for each of its
        numbers, for ``elbo`` alone.
    penalty : Penalty, optional
        What is added to the KL divergence of ``elbo``: see ``inference.objectives.penalties``.
    vectorised : bool, default True
        Whether Pyro may run program and guide with several draws as one more dimension, where their plates allow it.

    Raises
    ------
    ZooError
        For an unknown name, and for a bound and an estimator that do not go together.

    Examples
    --------
    >>> Objective("iwae", num_particles=5, gradient="doubly_reparameterised").num_particles
    5
    >>> Objective("elbo", gradient="doubly_reparameterised")
    Traceback (most recent call last):
    zoo.errors.ZooError: doubly_reparameterised is a gradient of iwae; that of elbo is sticking_the_landing
    """

    name: str = "elbo"
    num_particles: int = 1
    gradient: str = "reparameterised"
    kl: str = "sampled"
    estimators: tuple[tuple[str, Estimator], ...] = ()
    free_bits: float = 0.0
    kl_balance: float = 0.0
    penalty: Penalty | None = None
    vectorised: bool = True

    def __post_init__(self) -> None:
        for field, given, allowed in (
            ("objective", self.name, NAMES),
            ("gradient", self.gradient, GRADIENTS),
            ("kl", self.kl, KLS),
        ):
            if given not in allowed:
                raise unknown(field, given, allowed)
        K = self.num_particles
        if isinstance(K, bool) or not isinstance(K, int) or K < 1:
            raise ZooError(f"num_particles is a whole number from 1 up; given {K!r}")
        if not (self.free_bits >= 0 and 0 <= self.kl_balance <= 1):
            raise ZooError(
                "free_bits is a number of nats from 0 up, and kl_balance a fraction of training from 0 to 1; given "
                f"{self.free_bits!r} and {self.kl_balance!r}"
            )
        if self.name == "iwae" and self.has_groups:
            raise ZooError("free_bits and kl_balance are of the KL divergence, which iwae does not have: take elbo")
        if self.penalty:
            self._check_penalty(self.penalty)
        if self.name == "elbo" and self.gradient == "doubly_reparameterised":
            raise ZooError("doubly_reparameterised is a gradient of iwae; that of elbo is sticking_the_landing")
        if self.kl == "analytic" and self.name == "iwae":
            raise ZooError("iwae weighs draws by their densities and has no analytic KL: kl='sampled', or elbo")
        if self.kl == "analytic" and self.gradient == "sticking_the_landing":
            raise ZooError("an analytic KL has no draw whose score could be left out: gradient='reparameterised'")

    def _check_penalty(self, penalty: Penalty) -> None:
        """Raise ZooError for a penalty that does not go with the rest."""
        if self.name == "iwae":
            raise ZooError(f"{penalty.name} is added to the KL divergence, which iwae does not have: take elbo")
        if self.has_groups:
            raise ZooError(f"free_bits and kl_balance are for elbo: {penalty.name} has a weight of the KL of its own")
        if penalty.uses_draws and self.num_particles > 1:
            raise ZooError(
                f"{penalty.name} takes one draw of each code: num_particles=1, and a larger batch_size for less noise; "
                f"given {self.num_particles}"
            )

    @property
    def metric(self) -> str:
        """The name of the metric that is maximised."""
        return "objective" if self.penalty else self.name

    @property
    def by_site(self) -> dict[str, Estimator]:
        """The estimators by site."""
        return dict(self.estimators)

    @property
    def has_groups(self) -> bool:
        """Whether the KL divergence counts by group."""
        return self.free_bits > 0 or self.kl_balance > 0

    @property
    def is_stopped(self) -> bool:
        """Whether log q is evaluated at parameters without a gradient."""
        return self.gradient != "reparameterised"


# by plain draws: what gradients need beside them costs time
EVALUATION = Objective(estimators=((EVERY_SITE, Auto(binary="reinforce", other="reinforce")),))

EstimatorStates: TypeAlias = dict[
    str, dict[str, BackendArray]
]  # by site, of the estimators that have a state; and the penalty's


class BoundDetails(NamedTuple):
    """What a bound is computed with, beside its value; without gradients.

    Attributes
    ----------
    metrics : dict of str to array
        Scalars in nats.
    assigned : dict of str to array
        Values that the guide assigns to param statements.
    state : dict
        The state of the estimators and of the penalty after this step.
    """

    metrics: dict[str, BackendArray]
    assigned: Mapping[str, BackendArray]
    state: EstimatorStates


class BoundTerms(NamedTuple):
    """Log densities in nats of K draws from the guide, for the B rows of the batch; not scaled up to all N rows.

    Arrays of the rows are (K, B), or (K, E, B) where the guide has discrete latents of the rows, of E values together:
    then ``probability`` is not None, and where it is 0 the others are 0. Terms outside the plate N are scalars where
    the rows have latents of their own, for there is one draw of them; else they are (K,).

    Attributes
    ----------
    likelihood, prior, guide : array
        log p of the observed sites, log p and log q of the latents, help variables of the guide included. The last two
        are None where the KL is analytic.
    kl : array
        guide - prior, or the analytic KL.
    likelihood_rest, prior_rest, guide_rest, kl_rest : array
        The same outside the plate N.
    probability : array or None
        Of the guide's discrete latents given the row, (K, E, B).
    extra : array
        Minus the guide's factors and observed sites: a scalar, for all N rows.
    scale : float
        N / B.
    kl_groups : array or None
        ``kl`` of each group, with the G groups last, (K, [E,] B, G), where the objective needs them.
    group_sizes : tuple of int or None
        How many numbers each group has in a row.
    """

    likelihood: BackendArray
    prior: BackendArray
    guide: BackendArray
    kl: BackendArray
    likelihood_rest: BackendArray
    prior_rest: BackendArray
    guide_rest: BackendArray
    kl_rest: BackendArray
    probability: BackendArray
    extra: BackendArray
    scale: float
    kl_groups: BackendArray = None
    group_sizes: tuple[int, ...] | None = None

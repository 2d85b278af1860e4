"""Values of the discrete sites in one run of a guide: each of them all, a draw from noise, or none given."""

from __future__ import annotations

from typing import Any, NamedTuple

from inference.objectives import Objective, refusals
from inference.objectives.choice import find, resolve
from inference.objectives.estimators import MAX_VALUES, Auto, Enumerate, Estimator
from inference.objectives.forms import EvaluatingEstimator, Relax, RelaxedEstimator
from inference.objectives.sites import Site, enumerate_site, is_in_rows, plate_dims
from inference.objectives.supports import SUPPORTS, Support
from zoo.types import BackendArray


class NoisyDraw(NamedTuple):
    """A draw of a discrete site from uniform noise u; temperature of a relaxed one."""

    support: Support
    logits: BackendArray
    u: BackendArray
    temperature: BackendArray = 1.0

    @property
    def z(self) -> BackendArray:
        """The variable whose hard value is the draw."""
        return self.support.relaxable(self.logits, self.u)


class DiscreteValues:
    """A function ``(site, earlier)`` that gives the values of discrete sites as a run comes to them.

    A latent of the rows that is enumerated has all of its values, left of the rows; one that is drawn with an estimator
    that needs the noise, or that is binary, has a draw; others have None, so that the library draws them.

    Attributes
    ----------
    names : list of str
        The latents that were enumerated so far.
    noise : dict of str to NoisyDraw
        The draws from noise so far.
    """

    def __init__(
        self,
        objective: Objective,
        functions: Any,
        fraction: BackendArray = 1.0,
        key: BackendArray = None,
        sample_shape: tuple[int, ...] = (),
        relax: Relax | None = None,
    ):
        self.objective, self.functions, self.fraction, self.key = objective, functions, fraction, key
        self.sample_shape, self.relax = sample_shape, relax
        self.names: list[str] = []
        self.sizes: tuple[int, ...] = ()
        self.count = 1  # of values of the enumerated latents together
        self.noise: dict[str, NoisyDraw] = {}

    def __call__(self, site: Site, earlier: int) -> BackendArray:
        """The value of a site, or None."""
        if not site["fn"].support.is_discrete:
            return None
        estimator = find(self.objective.by_site, site["name"])
        if self.is_enumerated(site, estimator):
            values = enumerate_site(site, len(self.names))
            self.names.append(site["name"])
            self.sizes = len(values), *self.sizes
            self.count *= len(values)
            return values
        return self.draw(site, estimator)

    def is_enumerated(self, site: Site, estimator: Estimator) -> bool:
        """Whether a site has all of its values; raises ZooError where it should and cannot."""
        if isinstance(estimator, Enumerate):
            if not is_in_rows(site):
                raise refusals.outside_rows(site["name"])
            return True
        fn = site["fn"]
        if not isinstance(estimator, Auto) or not fn.has_enumerate_support or fn.event_shape:
            return False
        return plate_dims(site) == {"N": -1} and self.count * len(fn.enumerate_support(expand=False)) <= MAX_VALUES

    def draw(self, site: Site, estimator: Estimator) -> BackendArray:
        """A draw from noise; None where the library draws."""
        functions, fn = self.functions, site["fn"]
        kind = functions.kind_of(fn)
        estimator = resolve(estimator, kind, self.objective.name)
        needs_noise = isinstance(estimator, EvaluatingEstimator | RelaxedEstimator) or kind == "binary"
        if kind not in SUPPORTS or not (self.relax or needs_noise):
            return None
        support, own = SUPPORTS[kind](functions), functions.logits_of(fn)
        logits = own
        if is_in_rows(site) and (self.sample_shape or self.sizes):
            row = own.shape[own.ndim - fn.event_dim - 1 :]
            logits = functions.broadcast_to(own, (*self.sample_shape, *self.sizes, *row))
        noisy = NoisyDraw(support, logits, functions.uniform(self.key, len(self.noise), logits.shape))
        if self.relax:
            value = self.relax(support, logits, noisy.z)
        elif isinstance(estimator, RelaxedEstimator):
            noisy = noisy._replace(temperature=estimator.temperature_at(self.fraction))
            value = estimator.value(support, logits, noisy.z, noisy.temperature)
        else:
            value = functions.as_value(support.draw(functions.detach(own), noisy.u))
        self.noise[site["name"]] = noisy
        return value

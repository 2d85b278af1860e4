"""The terms of the ELBO of each row at draws from an encoder, the same for both backends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import NamedTuple

from inference.objectives.densities import GuideAndProgram, SiteLog
from inference.objectives.sites import Run, Site, is_in_rows
from zoo.errors import ZooError
from zoo.types import BackendArray

LEARNING_RATE = 0.2  # of Adam at first, in standard deviations of the guide's normals


class DrawTerms(NamedTuple):
    """The terms of the ELBO at draws, arrays of a backend: (K, B) for one value of the classes y, or (K, E, B).

    ratio: log q(z | x, y) - log p(z | y) of the other latents at the draw. kl: by latent, of each number of the code
    where it has a closed form. prior, guide: log p(y) and log q(y | x).
    """

    likelihood: BackendArray
    ratio: BackendArray
    kl: dict[str, BackendArray]
    prior: BackendArray
    guide: BackendArray

    @property
    def log_weights(self) -> BackendArray:
        """log p(x, y, z) / q(z | x, y)."""
        return self.likelihood + self.prior - self.ratio

    @property
    def elbo(self) -> BackendArray:
        """log p(x | y, z) less the KL divergence of the latents z."""
        kl = (v.reshape(*v.shape[:3], -1).sum(-1) if v.ndim > 3 else v for v in self.kl.values())
        return self.likelihood - sum(kl)


class RowDraws(GuideAndProgram):
    """A guide that reads the rows and its program, at learned parameters, with a block of rows as inputs."""

    def terms(self, run: Run, classes: Collection[str]) -> DrawTerms:
        """The terms of the ELBO, (K, B), of a run of the guide with the latents ``classes`` at one value."""
        latents = run.latents
        values = {n: s["value"] for n, s in latents.items()}
        program = self.run_program(run, values)
        check_rows({**program.sites, **latents})
        logs = self.log_densities(program, latents, values)
        formulae = self.analytic_kl(program.latents, latents, self.kl_of_normals, classes)
        others = [n for n in latents if n not in classes]

        def ratio(names: Collection[str]) -> BackendArray:
            return self.sum_latents(logs.guide, names) - self.sum_latents(logs.prior, names)

        kl = {n: self.broadcast_to(formulae[n][1], values[n].shape) if n in formulae else ratio([n]) for n in others}
        prior, guide = self.sum_latents(logs.prior, classes), self.sum_latents(logs.guide, classes)
        return DrawTerms(self.sum_sites(logs.likelihood)[0], ratio(others), kl, prior, guide)

    def discrete_points(self, latents: Mapping[str, Site]) -> dict[str, int]:
        """The discrete latents of which the guide has a point, and how many values each may have."""
        values = {n: s["value"] for n, s in latents.items()}
        points = [n for n, s in latents.items() if self.is_point(s["fn"])]
        prior = self.run(self.program, values).latents if points else {}
        supports = {n: prior[n]["fn"].support for n in points}
        within = {n: getattr(support, "base_constraint", support) for n, support in supports.items()}
        return {n: int(within[n].upper_bound) + 1 for n in points if supports[n].is_discrete}

    def sum_latents(self, logs: Mapping[str, SiteLog], names: Collection[str]) -> BackendArray:
        """The sum of the log densities of some latents, (K, B)."""
        return self.sum_sites(log for name, log in logs.items() if name in names)[0]

    @abstractmethod
    def kl_of_normals(self, q: BackendArray, p: BackendArray) -> BackendArray:
        """KL(q || p) of each number where both are independent normals; raises NotImplementedError for others."""


def is_class(distribution: BackendArray) -> bool:
    """Whether a latent is one discrete value of each row, summed over all values; vectors are drawn."""
    return distribution.support.is_discrete and not distribution.event_dim


def check_rows(sites: Mapping[str, Site]) -> None:
    """Raise ZooError for a site outside the plate N."""
    for name, site in sites.items():
        if not is_in_rows(site):
            raise ZooError(f"{name} is outside the plate N, so that rows cannot be evaluated one by one: put it in it")


def no_temperature(name: str, distribution: str) -> ZooError:
    """The error for a prior whose standard deviation no temperature can multiply."""
    return ZooError(f"a temperature is of normal priors, and that of {name} is {distribution}: leave temperature at 1")


def not_normal(name: str, distribution: str) -> ZooError:
    """The error for a continuous latent of the guide that is not normal."""
    return ZooError(f"the guide has {name} from {distribution}: only codes from Normal can be read off and refined")

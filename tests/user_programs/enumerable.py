"""Programs with discrete latents, which can all be enumerated."""

from __future__ import annotations

from tests.user_programs.program import UserProgram, slices
from tests.user_programs.truths import discrete, series

ENUMERABLE = (
    UserProgram(
        "dawid_skene",
        "crossed",
        observed=("y",),
        latents=("beta", "pi"),
        discrete=("c",),
        rows=("item", 15),
        truth=discrete.dawid_skene,
    ),
    UserProgram(
        "coal_mining",
        "discrete",
        observed=("disasters",),
        latents=("early", "late"),
        discrete=("tau",),
        rows=("years", 40),
        truth=discrete.coal_mining,
    ),
    UserProgram(
        "occupancy",
        "discrete",
        observed=("detections",),
        latents=("alpha", "beta", "p_detect"),
        discrete=("z",),
        rows=("site", 30),
        truth=discrete.occupancy,
    ),
    UserProgram(
        "capture_recapture",
        "discrete",
        observed=("captures",),
        latents=("omega", "p"),
        discrete=("real",),
        rows=("M", 24),
        truth=discrete.capture_recapture,
    ),
    UserProgram(
        "capture_histories",
        "discrete",
        observed=("y",),
        latents=("phi", "rho"),
        discrete=("z",),
        rows=("animals", 12),
        pyro_sites=slices(5, "z", "y"),
        truth=discrete.capture_histories,
    ),
    UserProgram(
        "dirichlet_process",
        "mixtures",
        observed=("obs",),
        latents=("alpha", "beta", "mu", "scale"),
        discrete=("z",),
        rows=("points", 30),
        truth=discrete.dirichlet_process,
    ),
    UserProgram(
        "mixture_of_regressions",
        "mixtures",
        observed=("y",),
        latents=("weights", "intercept", "slope", "sigma"),
        discrete=("line",),
        rows=("N", 30),
        exchangeable=("lines",),
        truth=discrete.mixture_of_regressions,
    ),
    UserProgram(
        "ordered_mixture",
        "mixtures",
        observed=("waiting",),
        latents=("p", "means", "sd"),
        discrete=("kind",),
        rows=("eruptions", 30),
        truth=discrete.ordered_mixture,
    ),
    UserProgram(
        "hidden_markov",
        "series",
        observed=("y",),
        latents=("transition", "location"),
        discrete=("state",),
        truth=series.hidden_markov,
        pyro_sites=slices(15, "state", "y"),
    ),
)

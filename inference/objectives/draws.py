"""Draws of a guide, and what a program says of them: log densities by row, the same for both backends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from inference.objectives import Objective, refusals
from inference.objectives.sites import OneByOne, Run, Site, in_rows, is_exact, scale_of, times


class Draws:
    """A guide and a program; a first run of the guide tells what its latents are.

    ``lead`` is (K,) where one run holds all K draws of the rows' latents, else (). A backend adds the methods that
    raise NotImplementedError here.
    """

    scale = 1.0  # N / B

    def __init__(
        self, program: Any, guide: Any, inputs: dict[str, Any], objective: Objective, first: Run, lead: Any = ()
    ):
        self.program, self.guide, self.inputs, self.objective, self.lead = program, guide, inputs, objective, lead
        latents = first.latents
        self.exact = [n for n, s in latents.items() if is_exact(s)]
        self.local = any(map(in_rows, latents.values()))
        # drawn K times; the others have one value for all K draws
        self.drawn = [n for n, s in latents.items() if n not in self.exact and (in_rows(s) or not self.local)]
        self.held = {n: s["value"] for n, s in latents.items() if n not in self.drawn}
        self.sizes = tuple(len(latents[n]["value"]) for n in reversed(self.exact))
        refusals.check_draws(objective, latents, self.exact)

    def terms(self, run: Run, weight: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Terms by name, of a run of the guide: ``(of the rows, and extra; of the rest)``.

        Arrays of the rows are (B,) or (E, B) after the lead, all others scalars. ``weight``, of the shape of the rows
        or a scalar where they have no latents, multiplies the gradient that reaches the draws.
        """
        latents = run.latents
        values = {n: s["value"] for n, s in latents.items()}
        if weight is not None:
            values |= {n: self.weighed(values[n], weight, latents[n]) for n in self.drawn}
        program = self.run(self.program, values)
        p, q = program.latents, self.stopped(values, weight).latents if self.objective.stopped else latents
        refusals.check_sites(list(p), list(q))
        N, self.B = program.plate or run.plate or (1, 1)
        self.scale = N / self.B

        analytic = self.objective.kl == "analytic"
        known = self.formulae(p, q) if analytic else {}
        likelihood = self.sums((s, self.log_of(s, s["value"])) for s in program.observed)
        prior = self.sums((s, self.log_of(s, values[n])) for n, s in p.items() if n not in known)
        guide = self.sums((s, self.log_q(s, values[n])) for n, s in q.items() if n not in known)
        kl = tuple(b - a for a, b in zip(prior, guide, strict=True))
        if analytic:
            kl = tuple(a + b for a, b in zip(kl, self.sums(known.values()), strict=True))
            prior = guide = None, None
        named = {"likelihood": likelihood, "prior": prior, "guide": guide, "kl": kl}
        rows, rest = {n: both[0] for n, both in named.items()}, {f"{n}_rest": both[1] for n, both in named.items()}
        q_y = rows["probability"] = None
        if self.exact:
            q_y = self.exp(self.sums((latents[n], self.log_of(latents[n], values[n])) for n in self.exact)[0])
            # what cannot be is infinitely improbable under the program too: it counts for nothing, in gradients as well
            rows = {n: None if a is None else self.where(q_y > 0, a) for n, a in rows.items()}
            rows["probability"] = q_y
        rows["extra"] = self.help_of(run, q_y) if run.observed else self.zeros(())
        return rows, rest

    def help_of(self, run: Run, q_y: Any) -> Any:
        """What the guide's factors and observed sites add, for all N rows; ``q_y`` weighs them by discrete latents."""
        rows, rest = self.sums((s, self.log_of(s, s["value"])) for s in run.observed)
        rows = rows if q_y is None else q_y * rows
        return -(self.scale / math.prod(self.lead) * rows.sum() + rest)

    def stopped(self, values: dict[str, Any], weight: Any) -> Run:
        """The guide at its draws, and at parameters without gradients."""
        if weight is not None:  # latents that rows share are then parameters of what each row has
            values = values | {n: self.detached(values[n]) for n in self.held}
        return self.run(self.guide, values, stopped=True)

    def formulae(self, p: dict[str, Site], q: dict[str, Site]) -> dict[str, tuple[Site, Any]]:
        """``{latent: (site, KL(q || p))}`` of those that have a formula."""
        known = {}
        for name in refusals.with_formula(list(p), list(q)):
            if name in self.exact or self.is_point(q[name]["fn"]) or in_rows(p[name]) != in_rows(q[name]):
                continue
            with suppress(NotImplementedError):  # there is no formula, and it is sampled
                known[name] = p[name], self.formula(q[name]["fn"], p[name]["fn"])
        return known

    def log_q(self, site: Site, value: Any) -> Any:
        # a point has its density where the guide puts it, which may differ from the value by rounding
        return self.log_of(site, self.place_of(site["fn"]) if self.is_point(site["fn"]) else value)

    def sums(self, logs: Iterable[tuple[Site, Any]]) -> tuple[Any, Any]:
        """The sum of sites' log densities: ``(of the rows, (B,) or (E, B) after the lead; of the rest, a scalar)``."""
        rows = rest = None
        for site, log in logs:
            if in_rows(site):
                log = self.by_row(site, log)
                rows = log if rows is None else rows + log
            else:
                if self.lead and log.ndim > len(self.sizes) + 1 and log.shape[-len(self.sizes) - 2] == self.lead[0]:
                    raise OneByOne  # it looks as if it had one for each draw
                log = times(scale_of(site), log.sum())
                rest = log if rest is None else rest + log
        shape = *self.lead, *self.sizes, self.B
        rows = self.zeros(shape) if rows is None else self.wide(rows, shape)
        if len(self.sizes) > 1:
            rows = rows.reshape(*self.lead, -1, self.B)
        return rows, self.zeros(()) if rest is None else rest

    def by_row(self, site: Site, log: Any) -> Any:
        """The sum over a site's other plates."""
        log = times(scale_of(site) / self.scale, log)  # by what is not of the batch
        dims = {f.name: f.dim for f in site["cond_indep_stack"]}
        if len(dims) == 1 and dims["N"] == -1:
            return log
        if self.lead:
            raise OneByOne
        if self.exact:
            raise refusals.other_plates(site["name"])
        others = tuple(d for d in range(-log.ndim, 0) if d != dims["N"])
        return log.sum(others) if others else log

    def along(self, weight: Any, site: Site) -> Any:
        """``weight``, of one draw or as they stand side by side, along the dimensions of a site's value."""
        if not self.local:
            return weight
        below = -next(f.dim for f in site["cond_indep_stack"] if f.name == "N") - 1 + site["fn"].event_dim
        return weight.reshape(*self.lead, *self.sizes, weight.shape[-1], *(1,) * below)

    def run(self, program: Any, values: dict[str, Any], stopped: bool = False) -> Run:
        """One run with latents at ``values``; ``stopped`` says that parameters have no gradients."""
        raise NotImplementedError

    def log_of(self, site: Site, value: Any) -> Any:
        """The site's log density at ``value``, masked but not scaled."""
        raise NotImplementedError

    def formula(self, q: Any, p: Any) -> Any:
        """KL(q || p); raises NotImplementedError where the backend has no formula."""
        raise NotImplementedError

    def is_point(self, law: Any) -> bool:
        """Whether a distribution is a Delta."""
        raise NotImplementedError

    def place_of(self, law: Any) -> Any:
        """The only value of a Delta."""
        raise NotImplementedError

    def weighed(self, value: Any, weight: Any, site: Site) -> Any:
        """The value of a site, broadcast against ``weight``, which multiplies its gradient."""
        raise NotImplementedError

    def detached(self, value: Any) -> Any:
        """The value, without its gradient."""
        raise NotImplementedError

    def wide(self, array: Any, shape: tuple[int, ...]) -> Any:
        """The array broadcast to a shape."""
        raise NotImplementedError

    def zeros(self, shape: tuple[int, ...]) -> Any:
        """Zeros of a shape."""
        raise NotImplementedError

    def exp(self, array: Any) -> Any:
        """Its exponential."""
        raise NotImplementedError

    def where(self, condition: Any, array: Any) -> Any:
        """The array where the condition holds, and 0 elsewhere."""
        raise NotImplementedError

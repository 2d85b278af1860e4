"""log p of all parameters and the data, as a quantity that is ranked beside the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.result import Fit
from zoo import ZooError
from zoo._backend import in_backend


class JointDensity:
    """log p(latents, data) of a fit at the true values and at some draws, discrete latents summed out.

    It is compiled at its first call: the program, the keywords and the sites of all fits are the same.
    """

    def __init__(self) -> None:
        self._log_joint: Any = None

    def __call__(self, fit: Fit, truth: Mapping[str, np.ndarray], draws: Mapping[str, np.ndarray]) -> np.ndarray:
        """log p in nats of the truth, and of draws of all sites, (1 + draws,).

        Raises ZooError where a latent has neither an exact sum nor draws.
        """
        model, card = fit.model, fit.model.card
        continuous = [n for n in card.latents if n not in card.enumerated]
        given = [n for n in continuous if n in draws and n in truth]
        is_whole = given == continuous
        program = model.program if is_whole else model.collapsed
        if program is None or card.sampled or not set(card.parameters(fit.keywords)) <= set(given):
            raise ZooError(f"log p of all latents of {model.name} is not known")
        sites = given if is_whole else list(card.parameters(fit.keywords))
        if self._log_joint is None:
            if card.enumerated:
                program = in_backend("inference.exact.enumeration", model.backend).marginalize(program)
            backend = in_backend("inference.evaluation.calibration", model.backend)
            self._log_joint = backend.LogJoint(program, fit.keywords)
        values = {n: np.concatenate([truth[n][None], draws[n]]) for n in sites}
        return self._log_joint(fit.data, {}, values)

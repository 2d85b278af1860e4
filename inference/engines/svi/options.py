"""The options of SVI."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inference.engines.options import EngineOptions, Start, choice, custom, flag, number, whole
from inference.objectives import GRADIENTS, KLS, NAMES, Objective, estimators, penalties
from inference.objectives.estimators import Estimator
from inference.objectives.penalties import Penalty
from zoo.errors import ZooError, unknown
from zoo.types import BackendArray, Program

FOLDER = "a folder"


def check_guide(name: str, value: object) -> None:
    if not isinstance(value, str) and not callable(value):
        raise ZooError(
            f"{name} is the name of a guide, a function of the program's arguments, or an AutoGuide; given {value!r}"
        )


def check_objective(name: str, value: object) -> None:
    if not isinstance(value, str | Objective | Penalty):
        raise ZooError(f"{name} is a word, an inference.penalty or an inference.objectives.Objective; given {value!r}")
    if isinstance(value, str) and value not in NAMES:
        if value.partition("(")[0] not in penalties.names():
            raise unknown(name, value, [*NAMES, *penalties.names()])
        penalties.make(value)


def check_gradient(name: str, value: object) -> None:
    if isinstance(value, str) and value in GRADIENTS:
        return
    if not isinstance(value, str | Estimator | Mapping):
        raise ZooError(f"{name} is a word, an estimator or a dict of these by site; given {value!r}")
    if isinstance(value, str) and value.partition("(")[0] not in estimators.names():
        raise unknown(name, value, [*GRADIENTS, *estimators.names()])
    estimators.by_site(value)


@dataclass(frozen=True)
class SVIOptions(EngineOptions):
    """Options of ``svi``."""

    num_steps: int = whole(5000, "gradient steps")
    num_epochs: float | None = number(
        None,
        "a number of whole epochs from 1 up",
        lambda v: v >= 1 and v == int(v),
        "passes over the rows, in place of num_steps",
        optional=True,
    )
    learning_rate: float | Callable[[BackendArray], BackendArray] = number(
        0.01, "a number above 0", lambda v: v > 0, "size of the steps", function="from the step to one"
    )
    optimizer: object = custom(
        None,
        "an optax GradientTransformation (NumPyro) or a class of torch.optim (Pyro)",
        "optimizer; Adam unless given. One of optax has its own learning rate",
    )
    weight_decay: float = number(
        0.0,
        "a number from 0 up",
        lambda v: v >= 0,
        "decoupled weight decay, AdamW: each step takes this share, times the learning rate, off all parameters",
    )
    learning_rate_warm_up: float = number(
        0.0,
        "a number from 0 to 1, a fraction of training",
        lambda v: 0 <= v <= 1,
        "fraction of training over which the learning rate rises linearly from 0",
    )
    clip_norm: float | None = number(
        None, "a number above 0", lambda v: v > 0, "longest gradient of the objective per row", optional=True
    )
    skip_above: float | None = number(
        None,
        "a number above 1, such as 10",
        lambda v: v > 1,
        "skip steps whose gradient is longer than this multiple of the 0.9 quantile of the last 200, or not finite",
        optional=True,
    )
    weight_average: float | None = number(
        None,
        "a number between 0 and 1, such as 0.999",
        lambda v: 0 < v < 1,
        "decay of an exponential moving average of all parameters, which is then the fit; at step t at most "
        "(1 + t) / (10 + t), so that the start has no weight",
        optional=True,
    )
    batch_size: int | None = whole(
        None, "rows of a step, drawn without replacement until an epoch is through", optional=True
    )
    minibatches: str = choice(
        "auto",
        ("auto", "host", "device"),
        "where the data lies: on the host, each batch copied when it is needed; on the device; or as its size suggests",
    )
    objective: str | Penalty | Objective = custom(
        "elbo",
        f"'elbo', 'iwae', a penalty on the codes of an encoder ({', '.join(penalties.names())}), with settings as in "
        "'beta_tc(beta=6)', or an Objective",
        "what is maximised: a bound, or the ELBO with a penalty added to its KL divergence",
        check_objective,
    )
    num_particles: int = whole(1, "draws of the guide in each step")
    gradient: str | Estimator | Mapping[str, str | Estimator] = custom(
        "reparameterised",
        f"{', '.join(GRADIENTS)}, an estimator for discrete latents ({', '.join(estimators.names())}), with settings "
        "as in 'gumbel_softmax(temperature=0.3)', or a dict of these by site, as in {'z1': 'disarm'}",
        "estimator of the gradient; discrete latents of the guide are enumerated where they are few, or have 'disarm' "
        "or 'rloo'",
        check_gradient,
    )
    kl: str = choice("sampled", KLS, "the KL divergence by draws, or in closed form where there is one")
    beta: float | Callable[[BackendArray], BackendArray] = number(
        1.0,
        "a number from 0 up",
        lambda v: v >= 0,
        "weight of the KL divergence",
        function="of the fraction of training done",
    )
    warm_up: float = number(
        0.0,
        "a number from 0 to 1, a fraction of training",
        lambda v: 0 <= v <= 1,
        "fraction of training over which the weight of the KL divergence rises from 0",
    )
    kl_balance: bool = flag(
        False,
        "while warm_up lasts, the KL of each latent of the rows has a weight proportional to it, so that all are used",
    )
    free_bits: float = number(
        0.0,
        "a number of nats from 0 up",
        lambda v: v >= 0,
        "nats that the KL of each latent of the rows counts at least, in the mean over the rows of a batch",
    )
    held_out: float | None = number(
        None,
        "a number between 0 and 1, a fraction of the rows",
        lambda v: 0 < v < 1,
        "fraction of the rows for validation: their ELBO is computed after each epoch, and the best weights are kept",
        optional=True,
    )
    patience: float | None = number(
        None,
        "a number of epochs above 0",
        lambda v: v > 0,
        "epochs without a gain on the validation rows after which training ends",
        optional=True,
    )
    checkpoint: str | os.PathLike[str] | None = custom(
        None, FOLDER, "where training is saved, and from where it continues, bit for bit, with more steps as well"
    )
    checkpoint_every: float = number(1, "a number of epochs above 0", lambda v: v > 0, "epochs between two checkpoints")
    guide: str | Program = custom(
        "mean_field",
        "one of guides.names(), a function with the program's arguments, an AutoGuide (class or instance), or a "
        "function guide(program, start) that makes one",
        "variational family; the model's own where it has one",
        check_guide,
    )
    num_draws: int = whole(1000, "draws of the guide at the end, unless it is amortised")
    start: Start | None = custom(
        None,
        "a dict of arrays, for some or all latents",
        "values to begin from, the others as usual; for networks of what is learned, as in fit.state",
    )
    collapsed: bool = flag(True, "use the program with the latents of the rows integrated out, where there is one")

    def check(self) -> None:
        """Raise ZooError for options that do not go together."""
        if self.patience is not None and self.held_out is None:
            raise ZooError("patience needs rows that are not trained on: give held_out, such as held_out=0.1")
        if self.weight_decay and self.optimizer is not None:
            raise ZooError(
                "weight_decay is of the default optimizer: leave optimizer out, or give it the decay itself, as in "
                "optax.adamw"
            )
        if self.kl_balance and not self.warm_up:
            raise ZooError("kl_balance weighs the KL of latents while warm_up lasts: give warm_up, such as warm_up=0.3")
        if isinstance(self.objective, Objective) and (self.free_bits or self.kl_balance):
            raise ZooError("free_bits and kl_balance are arguments of an Objective: give them to Objective(...)")
        penalty = self.make_objective().penalty
        if penalty and self.beta != 1:
            raise ZooError(
                f"the option beta is for elbo and iwae: {penalty.name} has a weight of its own; leave beta out, or "
                "take objective='elbo'"
            )

    def make_objective(self) -> Objective:
        """The objective with its estimator.

        Returns
        -------
        Objective
            The option ``objective`` where it is one; else that of this name or penalty, with the options
            ``num_particles``, ``gradient``, ``kl``, ``free_bits`` and, up to the end of ``warm_up``, ``kl_balance``.

        Raises
        ------
        ZooError
            For options that do not go together.
        """
        if isinstance(self.objective, Objective):
            return self.objective
        groups = float(self.free_bits), float(self.kl_balance and self.warm_up)
        name, penalty = "elbo", None
        if isinstance(self.objective, str) and self.objective in NAMES:
            name = self.objective
        else:
            penalty = penalties.make(self.objective)
        if isinstance(self.gradient, str) and self.gradient in GRADIENTS:
            return Objective(name, self.num_particles, self.gradient, self.kl, (), *groups, penalty)
        by_site = tuple(estimators.by_site(self.gradient).items())
        return Objective(name, self.num_particles, GRADIENTS[0], self.kl, by_site, *groups, penalty)

    @property
    def guide_name(self) -> str:
        """The name of the guide, for reports."""
        return self.guide if isinstance(self.guide, str) else getattr(self.guide, "__name__", type(self.guide).__name__)

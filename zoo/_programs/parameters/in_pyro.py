from functools import wraps

import pyro
import torch
from pyro.distributions import Distribution
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample
from torch.distributions import Distribution as TorchDistribution

from zoo._backend.in_pyro import borrow_parameter
from zoo.errors import ZooError

MODULE_DIVIDER = "$$$"  # between the name of a module and that of its parameter, in Pyro's names


class ModuleError(ZooError):
    """An error that keeps its one line where Pyro appends the shapes of a trace."""

    def __init__(self, message):
        super().__init__(message.splitlines()[0])


class NetworkParameters(Messenger):
    """A program whose param statements take numbers, and the parameters of modules in the runtime's precision.

    has_priors: whether priors of the program may be of another precision, as those of ``PyroSample`` are.
    """

    def __init__(self, has_priors=False):
        super().__init__()
        self.has_priors = has_priors

    def wrap(self, program):
        """The program within this messenger."""

        @wraps(program, updated=())
        def wrapped(*args, **keywords):
            with self:
                return program(*args, **keywords)

        return wrapped

    def _pyro_param(self, msg):
        name, *init = msg["args"]
        if MODULE_DIVIDER in name:
            name = name.replace(MODULE_DIVIDER, ".")
            msg["name"], msg["args"] = name, (name, *init)
        if not init:
            stored = pyro.get_param_store()._params.get(name)
            if isinstance(stored, torch.nn.Parameter):
                borrow_parameter(stored)
        elif isinstance(init[0], torch.nn.Parameter):
            borrow_parameter(init[0])
        elif not callable(init[0]):
            msg["args"] = name, torch.as_tensor(init[0], dtype=torch.get_default_dtype())

    def _pyro_post_param(self, msg):
        # a module computes with its own tensors, whatever the statement returns
        own = msg["args"][1] if len(msg["args"]) > 1 else None
        if not isinstance(own, torch.nn.Parameter) or msg["value"] is own:
            return
        if msg["value"].requires_grad:
            raise ModuleError(f"{msg['name']} belongs to a module, which only engine='svi' trains")
        own.data = msg["value"].detach()

    def _pyro_sample(self, msg):
        if self.has_priors and not isinstance(msg["fn"], _Subsample):
            msg["fn"] = to_precision(msg["fn"], torch.get_default_dtype())


def to_precision(value, dtype):
    """A tensor, or a distribution with its parameters, in a precision; anything else as it is."""
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if not isinstance(value, Distribution | TorchDistribution):
        return value
    fields = {n: to_precision(v, dtype) for n, v in vars(value).items()}
    if all(fields[n] is v for n, v in vars(value).items()):
        return value
    converted = object.__new__(type(value))
    converted.__dict__.update(fields)
    return converted

import numpy as np
import pyro
import torch
from pyro import poutine
from torch.distributions import transform_to

from inference.engines.svi.guide import check_parameters, check_sites
from inference.objectives import Objective
from inference.objectives.in_pyro import bound
from inference.unconstrained import check_start
from zoo import ZooError
from zoo._backend.in_pyro import Learned, minibatch, param_nodes, sample_nodes, to_backend, to_numpy


class Trainer:
    def __init__(self, request, plan, rows, program, guide, inputs):
        self.plan, self.rows, self.program, self.guide, self.inputs = plan, rows, program, guide, inputs
        self.objective, self.most, self.levels = request.options.make_objective(), rows.most, rows.levels()
        self.decay, self.clip = request.options.weight_average, request.options.clip_norm
        self.seed, self.store = request.seed, pyro.get_param_store()
        self.begin()
        self.names = list(self.store.keys())
        self.params = [self.store[n].unconstrained() for n in self.names]
        self.transforms = [transform_to(self.store._constraints[n]) for n in self.names]
        self.average = [p.detach().clone() for p in self.params] if self.decay else [p.detach() for p in self.params]
        self.optimiser, self.rate = optimiser(request.options, self.params)

    def begin(self):
        """The parameters of guide and program before the first step, in the store."""
        batch = self.plan.order(0, 1)[0] if self.plan.batch else None
        inputs, (program, guide) = self.seen(None if batch is None else self.rows.kept[batch])
        with torch.no_grad():
            of_guide = poutine.trace(guide).get_trace(**inputs)
            of_program = poutine.trace(poutine.replay(program, trace=of_guide)).get_trace(**inputs)
        check_sites(
            [n for n, s in sample_nodes(of_program.nodes).items() if not s["is_observed"]],
            [n for n, s in sample_nodes(of_guide.nodes).items() if not s["is_observed"] and not helps(s)],
        )
        check_parameters(list(self.store))
        self.learned = list(param_nodes(of_program.nodes))

    def seen(self, rows, **sizes):
        """The inputs of one step, and program and guide as it sees them; ``rows`` of a batch, None for all."""
        inputs, both, table = {**self.inputs, **sizes}, (self.program, self.guide), self.rows
        if table.on_device and (rows is not None or len(table.held)):
            index = torch.as_tensor(table.kept if rows is None else rows, device=torch.zeros(()).device)
            inputs |= {n: inputs[n].index_select(axis, index) for n, axis in table.axes.items()}
        elif rows is not None:
            inputs |= to_backend(table.some(rows))
        if rows is not None:
            here = torch.arange(len(rows))
            both = minibatch(self.program, here), minibatch(self.guide, here)
        return looked_at(inputs, self.levels), both

    def advance(self, begun, count):
        trace, rows = np.empty((count, 3)), [None] * count
        if self.plan.batch:
            rows = self.rows.kept[self.plan.order(begun, count)]
        for i in range(count):
            beta = float(self.plan.beta_at(begun + i))
            inputs, both = self.seen(rows[i])
            with Learned({n: t(p) for n, t, p in zip(self.names, self.transforms, self.params, strict=True)}):
                value, said = bound(self.objective, *both, inputs, beta)  # quicker than if the store is asked
            for param in self.params:
                param.grad = None
            # gradients are those of the bound per row, whatever their number
            (value * (-1 / self.plan.rows)).backward()
            if not self.step(begun + i, value):
                return i, trace[:i], False
            trace[i] = torch.stack([said[n] for n in (self.objective.name, "reconstruction", "kl")]).tolist()
        return count, trace, True

    def step(self, step, value):
        """One step of the optimiser, unless it would leave the numbers; whether it was taken."""
        slopes = [p.grad for p in self.params if p.grad is not None]
        length = torch.stack(torch._foreach_norm(slopes)).norm()
        rate = self.rate(step)
        if not np.isfinite(value.item() + length.item() + rate):
            return False
        if self.clip and length > self.clip:
            torch._foreach_mul_(slopes, self.clip / length)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        if self.decay:
            d = min(self.decay, (1 + step) / (10 + step))  # the first steps are soon forgotten
            torch._foreach_lerp_(self.average, [p.detach() for p in self.params], 1 - d)
        return True

    def elbos(self, rows):
        parts, found = self.rows.in_parts(rows), []
        objective = Objective("elbo")
        with Averaged(self), torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(self.seed + 1)  # the same draws whenever it is asked
            for part in parts:
                inputs, both = self.seen(part, N=len(rows))
                found.append(float(bound(objective, *both, inputs, 1.0)[1]["elbo"]) / len(rows))
        return np.array(found)

    def begin_at(self, weights):
        self.adopt(check_start(weights, {n: tuple(self.store[n].shape) for n in self.names}))
        self.use()

    def adopt(self, weights):
        for name, transform, average in zip(self.names, self.transforms, self.average, strict=True):
            average.copy_(transform.inv(to_backend({name: np.asarray(weights[name])})[name]))

    def constrained(self):
        with Averaged(self):
            return {n: self.store[n].detach().clone() for n in self.names}

    def use(self):
        """Put the averages in the place of the parameters for good."""
        Averaged(self).put(self.average)

    def weights(self):
        return to_numpy(self.constrained())

    def means(self, count):
        rows, total = self.rows.kept[self.plan.order(0, 1)[0]] if self.plan.batch else None, None
        with Averaged(self), torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(self.seed + 1)
            inputs, (_, guide) = self.seen(rows)
            for _ in range(count):
                nodes = sample_nodes(poutine.trace(guide).get_trace(**inputs).nodes)
                drawn = {n: s for n, s in nodes.items() if not helps(s)}
                drawn = {n: s["value"] for n, s in drawn.items() if "N" not in [f.name for f in s["cond_indep_stack"]]}
                total = drawn if total is None else {n: total[n] + v for n, v in drawn.items()}
        return {n: v / count for n, v in to_numpy(total).items()}

    def state(self):
        arrays = {f"params/{i}": p.detach() for i, p in enumerate(self.params)}
        arrays |= {f"average/{i}": a for i, a in enumerate(self.average)}
        for i, moments in self.optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser/{i}/{n}": torch.as_tensor(v) for n, v in moments.items() if v is not None}
        generators = {"cpu": torch.random.get_rng_state()}
        if torch.zeros(()).is_cuda:
            generators["cuda"] = torch.cuda.get_rng_state()
        return to_numpy({**arrays, **{f"generator/{n}": v for n, v in generators.items()}})

    def restore(self, arrays):
        there = {n: torch.as_tensor(v) for n, v in arrays.items()}
        with torch.no_grad():
            for i, (param, average) in enumerate(zip(self.params, self.average, strict=True)):
                param.copy_(there[f"params/{i}"])
                average.copy_(there[f"average/{i}"])
        moments = {}
        for path, value in there.items():
            if path.startswith("optimiser/"):
                _, i, name = path.split("/")
                moments.setdefault(int(i), {})[name] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        torch.random.set_rng_state(there["generator/cpu"].cpu())
        if "generator/cuda" in there:
            torch.cuda.set_rng_state(there["generator/cuda"].cpu())


class Averaged:
    """Within it the store holds the averages in the place of the parameters."""

    def __init__(self, trainer):
        self.trainer = trainer

    def __enter__(self):
        self.before = [p.detach().clone() for p in self.trainer.params]
        self.put(self.trainer.average)

    def __exit__(self, *error):
        self.put(self.before)

    def put(self, values):
        with torch.no_grad():
            for param, value in zip(self.trainer.params, values, strict=True):
                param.copy_(value)


def looked_at(inputs, levels):
    """Intensities as zeros and ones, drawn anew."""
    for name, most in levels.items():
        intensity = inputs[name].to(torch.get_default_dtype()) / most
        drawn = torch.rand_like(intensity).lt_(intensity)  # quicker than torch.bernoulli
        inputs[name] = torch.where(intensity.isnan(), intensity, drawn) if inputs[name].is_floating_point() else drawn
    return inputs


def helps(site):
    return site["infer"].get("is_auxiliary", False)


def optimiser(options, params):
    """The optimiser of ``params``, and its learning rate as a function of the step."""
    kind, rate = options.optimizer or torch.optim.Adam, options.learning_rate
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        raise ZooError(f"optimizer is a class of torch.optim, such as torch.optim.SGD; given {kind!r}")
    fused = {"fused": True} if kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD) else {}
    return kind(params, lr=1.0, **fused), (lambda step: float(rate(step))) if callable(rate) else lambda step: rate

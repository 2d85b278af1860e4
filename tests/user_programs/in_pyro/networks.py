"""Networks: weights with priors in a PyroModule, and an autoencoder of torch with its own guide."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

import pyro
import pyro.distributions as dist
import torch
from pyro.nn import PyroModule, PyroSample
from torch import nn


class BayesianNetwork(PyroModule):
    """Regression by a network whose weights have standard normal priors: two inputs, four hidden units."""

    def __init__(self, num_inputs=2, num_hidden=4):
        super().__init__()
        self.hidden = PyroModule[nn.Linear](num_inputs, num_hidden)
        self.hidden.weight = PyroSample(dist.Normal(0.0, 1.0).expand([num_hidden, num_inputs]).to_event(2))
        self.hidden.bias = PyroSample(dist.Normal(0.0, 1.0).expand([num_hidden]).to_event(1))
        self.out = PyroModule[nn.Linear](num_hidden, 1)
        self.out.weight = PyroSample(dist.Normal(0.0, 1.0).expand([1, num_hidden]).to_event(2))
        self.out.bias = PyroSample(dist.Normal(0.0, 1.0).expand([1]).to_event(1))
        self.precision = PyroSample(dist.Gamma(3.0, 1.0))

    def forward(self, X, y=None):
        mean = self.out(torch.tanh(self.hidden(X))).squeeze(-1)
        sigma = self.precision.rsqrt()
        with pyro.plate("data", X.shape[0]):
            pyro.sample("y", dist.Normal(mean, sigma), obs=y)
        return mean


class Encoder(nn.Module):
    """Mean and standard deviation of a code, from the pixels."""

    def __init__(self, num_pixels):
        super().__init__()
        self.hidden = nn.Linear(num_pixels, 5)
        self.loc = nn.Linear(5, 2)
        self.log_scale = nn.Linear(5, 2)

    def forward(self, x):
        hidden = torch.tanh(self.hidden(x))
        return self.loc(hidden), self.log_scale(hidden).exp()


class Autoencoder(nn.Module):
    """Binary pixels by a code of two dimensions."""

    def __init__(self, num_pixels=6):
        super().__init__()
        self.encoder = Encoder(num_pixels)
        self.decoder = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, num_pixels))

    def model(self, batch):
        pyro.module("decoder", self.decoder)
        with pyro.plate("batch", batch.shape[0]):
            z = pyro.sample("z", dist.Normal(batch.new_zeros(2), 1.0).expand([batch.shape[0], 2]).to_event(1))
            pyro.sample("pixels", dist.Bernoulli(logits=self.decoder(z)).to_event(1), obs=batch)

    def guide(self, batch):
        pyro.module("encoder", self.encoder)
        with pyro.plate("batch", batch.shape[0]):
            loc, scale = self.encoder(batch)
            pyro.sample("z", dist.Normal(loc, scale).to_event(1))

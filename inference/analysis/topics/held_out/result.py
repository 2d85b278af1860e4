"""Perplexity: what the evaluator found, document by document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zoo.errors import ZooError


class Difference(NamedTuple):
    """In nats a token, by how much one is better than another, and the standard error of that over documents."""

    nats_per_token: float
    standard_error: float


@dataclass(frozen=True, repr=False)
class Perplexity:
    """Held-out log-likelihood, and the perplexity per word that it makes. Arrays are (N,), a number for each document.

    log_likelihood: log p of the tokens scored, in nats. tokens: how many these are. errors: the Monte Carlo standard
    error of each log-likelihood. method, seed: how they were had.
    """

    log_likelihood: np.ndarray
    tokens: np.ndarray
    errors: np.ndarray
    method: str
    seed: int

    @property
    def per_word(self) -> float:
        """exp(-sum log p / sum tokens): less is better."""
        return float(np.exp(-self.nats_per_token))

    @property
    def nats_per_token(self) -> float:
        """sum log p / sum tokens: more is better."""
        return float(self.log_likelihood.sum() / self.tokens.sum())

    @property
    def standard_error(self) -> float:
        """Of ``per_word`` as an estimate for other documents like these: a ratio of sums, by the delta method."""
        return self.per_word * self.standard_error_nats

    @property
    def standard_error_nats(self) -> float:
        """Of ``nats_per_token``, likewise; NaN of a single document."""
        return over_documents(self.log_likelihood - self.nats_per_token * self.tokens, self.tokens)

    @property
    def monte_carlo_error(self) -> float:
        """Of ``per_word`` for these very documents, by the chance in the estimates."""
        return self.per_word * float(np.sqrt(np.square(self.errors).sum()) / self.tokens.sum())

    def better_than(self, other: Perplexity) -> Difference:
        """How much higher the log-likelihood is than another's, of the same tokens; raises ZooError for other ones.

        The standard error is that of the difference document by document, where what is hard about a document for
        both cancels: it is much smaller than those of the two.
        """
        if self.method != other.method or self.seed != other.seed or not np.array_equal(self.tokens, other.tokens):
            raise ZooError("the two scored different tokens: evaluate both on one corpus, by one method and seed")
        gain = self.log_likelihood - other.log_likelihood
        mean = float(gain.sum() / self.tokens.sum())
        return Difference(mean, over_documents(gain - mean * self.tokens, self.tokens))

    def __str__(self) -> str:
        rows = {
            "perplexity per word": (self.per_word, self.standard_error, self.monte_carlo_error),
            "log p, nats per token": (
                self.nats_per_token,
                self.standard_error_nats,
                self.monte_carlo_error / self.per_word,
            ),
        }
        lines = [f"{'':21}  {'value':>10}  {'+- over documents':>17}  {'+- by draws':>11}"]
        for name, (value, error, chance) in rows.items():
            places = 4 if value < 0 else 2
            said = f"{name:21}  {value:10.{places}f}  {error:17.{places}f}  {chance:11.{places}f}"
            lines.append(said)
        lines.append(
            f"{int(self.tokens.sum())} tokens of {len(self.tokens)} documents, by {self.method}; seed {self.seed}."
        )
        return "\n".join(lines)

    __repr__ = __str__


def over_documents(residuals: np.ndarray, tokens: np.ndarray) -> float:
    """The standard error of a ratio of sums, given each document's numerator less the ratio times its tokens."""
    N = len(tokens)
    return float(np.sqrt(N / (N - 1) * np.square(residuals).sum()) / tokens.sum()) if N > 1 else float("nan")

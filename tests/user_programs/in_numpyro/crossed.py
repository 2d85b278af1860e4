"""Crossed plates: students by questions, items by annotators, users by films."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.ops.indexing import Vindex


def item_response(responses):
    """Two-parameter logistic model of answers, (students, questions), by a matrix of zeros and ones."""
    num_students, num_questions = responses.shape
    student_plate = numpyro.plate("students", num_students, dim=-2)
    question_plate = numpyro.plate("questions", num_questions, dim=-1)
    with student_plate:
        ability = numpyro.sample("ability", dist.Normal(0, 1))
    with question_plate:
        difficulty = numpyro.sample("difficulty", dist.Normal(0, 2))
        discrimination = numpyro.sample("discrimination", dist.LogNormal(0, 0.5))
    with student_plate, question_plate:
        logits = discrimination * (ability - difficulty)
        numpyro.sample("responses", dist.Bernoulli(logits=logits), obs=responses)


def item_response_long(student, question, correct=None):
    """One-parameter model of the same answers in long form: one row for each answer."""
    with numpyro.plate("student", 8):
        theta = numpyro.sample("theta", dist.Normal(0.0, 1.0))
    mean = numpyro.sample("mean", dist.Normal(0.0, 1.0))
    with numpyro.plate("question", 5):
        b = numpyro.sample("b", dist.Normal(mean, 1.0))
    with numpyro.plate("answers", len(student)):
        numpyro.sample("correct", dist.Bernoulli(logits=theta[student] - b[question]), obs=correct)


def dawid_skene(annotations):
    """Categories of items by annotators who each have a confusion matrix; annotations is (items, annotators)."""
    num_classes = 3
    num_items, num_annotators = annotations.shape
    with numpyro.plate("annotator", num_annotators, dim=-2), numpyro.plate("class", num_classes):
        beta = numpyro.sample("beta", dist.Dirichlet(jnp.ones(num_classes) + 3.0 * jnp.eye(num_classes)))
    pi = numpyro.sample("pi", dist.Dirichlet(jnp.ones(num_classes)))
    with numpyro.plate("item", num_items, dim=-2):
        c = numpyro.sample("c", dist.Categorical(pi), infer={"enumerate": "parallel"})
        with numpyro.plate("position", num_annotators):
            confusion = Vindex(beta)[jnp.arange(num_annotators), c, :]
            numpyro.sample("y", dist.Categorical(confusion), obs=annotations)


def matrix_factorisation(ratings, rank=2):
    """Ratings of users for films by factors of both; NaN in ratings marks a film that a user has not rated."""
    num_users, num_films = ratings.shape
    has_rating = ~jnp.isnan(ratings)
    users = numpyro.plate("users", num_users, dim=-2)
    films = numpyro.plate("films", num_films, dim=-1)
    with users:
        u = numpyro.sample("u", dist.Normal(0, 1).expand([rank]).to_event(1))
    with films:
        v = numpyro.sample("v", dist.MultivariateNormal(jnp.zeros(rank), jnp.eye(rank)))
    sd = numpyro.sample("sd", dist.HalfNormal(1))
    with users, films, numpyro.handlers.mask(mask=has_rating):
        values = jnp.where(has_rating, ratings, 0.0)
        numpyro.sample("ratings", dist.Normal((u * v).sum(-1), sd), obs=values)

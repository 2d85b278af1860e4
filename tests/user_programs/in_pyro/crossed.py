"""Crossed plates: students by questions, items by annotators, users by films."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import config_enumerate
from pyro.ops.indexing import Vindex


def item_response(responses):
    """Two-parameter logistic model of answers, (students, questions), by a matrix of zeros and ones."""
    num_students, num_questions = responses.shape
    student_plate = pyro.plate("students", num_students, dim=-2)
    question_plate = pyro.plate("questions", num_questions, dim=-1)
    with student_plate:
        ability = pyro.sample("ability", dist.Normal(0.0, 1.0))
    with question_plate:
        difficulty = pyro.sample("difficulty", dist.Normal(0.0, 2.0))
        discrimination = pyro.sample("discrimination", dist.LogNormal(0.0, 0.5))
    with student_plate, question_plate:
        logits = discrimination * (ability - difficulty)
        pyro.sample("responses", dist.Bernoulli(logits=logits), obs=responses)


def item_response_long(student, question, correct=None):
    """One-parameter model of the same answers in long form: one row for each answer."""
    with pyro.plate("student", 8):
        theta = pyro.sample("theta", dist.Normal(0.0, 1.0))
    mean = pyro.sample("mean", dist.Normal(0.0, 1.0))
    with pyro.plate("question", 5):
        b = pyro.sample("b", dist.Normal(mean, 1.0))
    with pyro.plate("answers", len(student)):
        pyro.sample("correct", dist.Bernoulli(logits=theta[student] - b[question]), obs=correct)


@config_enumerate
def dawid_skene(annotations):
    """Categories of items by annotators who each have a confusion matrix; annotations is (items, annotators)."""
    num_classes = 3
    num_items, num_annotators = annotations.shape
    with pyro.plate("annotator", num_annotators, dim=-2), pyro.plate("class", num_classes):
        beta = pyro.sample("beta", dist.Dirichlet(torch.ones(num_classes) + 3.0 * torch.eye(num_classes)))
    pi = pyro.sample("pi", dist.Dirichlet(torch.ones(num_classes)))
    with pyro.plate("item", num_items, dim=-2):
        c = pyro.sample("c", dist.Categorical(pi))
        with pyro.plate("position", num_annotators):
            confusion = Vindex(beta)[torch.arange(num_annotators), c, :]
            pyro.sample("y", dist.Categorical(confusion), obs=annotations)


def matrix_factorisation(ratings, rank=2):
    """Ratings of users for films by factors of both; NaN in ratings marks a film that a user has not rated."""
    num_users, num_films = ratings.shape
    has_rating = ~torch.isnan(ratings)
    users = pyro.plate("users", num_users, dim=-2)
    films = pyro.plate("films", num_films, dim=-1)
    with users:
        u = pyro.sample("u", dist.Normal(0.0, 1.0).expand([rank]).to_event(1))
    with films:
        v = pyro.sample("v", dist.MultivariateNormal(torch.zeros(rank), torch.eye(rank)))
    sd = pyro.sample("sd", dist.HalfNormal(1.0))
    with users, films, pyro.poutine.mask(mask=has_rating):
        values = ratings.nan_to_num()
        pyro.sample("ratings", dist.Normal((u * v).sum(-1), sd), obs=values)

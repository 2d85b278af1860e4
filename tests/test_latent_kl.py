"""What is reported of each latent of an amortised fit: KL divergence, activity, bits per dimension, collapse."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache
from importlib import import_module

import numpy as np
import pytest
from typer.testing import CliRunner

import guides
import inference
import zoo
from inference.engines.svi.bits import bits_per_dimension
from inference.objectives import EVALUATION, Objective
from inference.summaries.collapse import collapse_note
from tests.layer_programs import X, layers
from tests.table import BACKENDS, SLOW_IN_NUMPYRO
from zoo._backend import backend_of
from zoo.cli import app
from zoo.sites import Site

ANALYTIC = Objective(kl="analytic", estimators=EVALUATION.estimators)
CASES = ("top down", "bottom up", "shared", "linear_ladder", "sigmoid_belief_network", "semi_supervised_vae")
COMPILED = ("top down", "shared", "sigmoid_belief_network")
SETTINGS = {
    "linear_ladder": {"L": 4},
    "sigmoid_belief_network": {"Z": 3},
    "semi_supervised_vae": {"Z": 2, "C": 3, "width": 4, "depth": 1},
}
SHORT = {"engine": "svi", "num_steps": 3, "batch_size": 20, "dtype": "float64"}


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@cache
def fitted(case, backend):
    """A fit of a few steps, with the random weights it began from."""
    if case in SETTINGS:
        label = {"label": np.where(np.arange(60) % 2, np.nan, np.arange(60) % 3)}
        data = {"x": X, **(label if case.startswith("semi") else {})}
        return inference.fit(zoo.load(case, backend, **SETTINGS[case]), data, **SHORT)
    program, guide = layers(backend, case)
    return inference.fit(zoo.Model(program, backend=backend), X, guide=guide, **SHORT)


def evaluate(fit, objective):
    """The evaluation of all rows, and the metrics and terms of a bound at the same draw."""
    backend, name = backend_of(fit.model), fit.model.backend
    evaluation = import_module(f"inference.engines.svi.evaluation.in_{name}")
    table, keywords = fit.fitted_model.bind(fit.data)
    with backend.runtime("float64", "cpu"):
        guide = guides.make(fit.options["guide"], fit.fitted_model)(fit.model.program, None)
        if name == "numpyro":
            import jax

            from zoo._backend.in_numpyro import to_backend

            before = to_backend(fit.state), jax.random.PRNGKey(1)
            first = evaluation.first_run(guide, *before, to_backend({**keywords, **table}), EVALUATION)
            inputs = *before, to_backend({**keywords, **table})
            pair = evaluation.EvaluatedDraws(fit.model.program, guide, *inputs, objective, first)
            elbo, kl = evaluation.evaluate(fit.model.program, guide, *inputs)
            rows, rest = pair.terms(first)
        else:
            import torch

            from zoo._backend.in_pyro import SubstituteParams, to_backend

            inputs = to_backend({**keywords, **table})
            with SubstituteParams(to_backend(fit.state)), torch.no_grad():
                torch.manual_seed(1)
                first, *_ = evaluation.first_run(fit.model.program, guide, inputs, EVALUATION)
                rows, rest = evaluation.EvaluatedDraws(fit.model.program, guide, inputs, objective, first).terms(first)
                torch.manual_seed(1)
                elbo, kl = evaluation.evaluate(fit.model.program, guide, inputs)
        weight = 1.0 if rows["probability"] is None else np.asarray(rows["probability"])
        total = {n: (weight * np.asarray(rows[n])).sum() + float(rest[f"{n}_rest"]) for n in ("likelihood", "kl")}
        return float(elbo), {n: float(v) for n, v in kl.items()}, total


@pytest.mark.parametrize(("case", "backend"), [(case, "pyro") for case in CASES] + [(c, "numpyro") for c in COMPILED])
def test_the_kl_of_all_latents_is_that_of_the_bound(case, backend):
    elbo, kl, of_bound = evaluate(fitted(case, backend), ANALYTIC)
    assert sum(kl.values()) == pytest.approx(of_bound["kl"], rel=1e-9)
    *_, sampled = evaluate(fitted(case, backend), EVALUATION)
    assert elbo == pytest.approx(sampled["likelihood"] - sampled["kl"], rel=1e-9)


def test_the_kl_of_normals_is_their_formula(backend):
    fit = fitted("top down", backend)
    _, kl, _ = evaluate(fit, ANALYTIC)
    mean, sd = X @ fit.state["q.z3"] / 4, fit.state["q.z3.scale"]
    assert kl["z3"] == pytest.approx(((mean**2 + sd**2 - 1) / 2 - np.log(sd)).sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("case", "latents"),
    [
        ("top down", ["z3", "z2", "z1"]),
        ("bottom up", ["z3", "z2", "z1"]),
        ("shared", ["z3", "z2", "z1"]),
        ("linear_ladder", ["z4", "z3", "z2", "z1"]),
        ("sigmoid_belief_network", ["z2", "z1"]),
        ("semi_supervised_vae", ["y", "z"]),
    ],
)
def test_the_summary_has_every_latent_from_the_top_down(case, latents, backend):
    fit = fitted(case, backend)
    kl = fit.diagnostics["kl_by_latent"]
    assert list(kl) == latents
    assert fit.diagnostics["active_latents"] == [n for n in latents if abs(kl[n]) > 0.01]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = fit.summary()["estimate"]
    assert [table[f"kl_nats_per_row[{n}]"] for n in latents] == list(kl.values())
    assert table["active_latents"] == len(fit.diagnostics["active_latents"])
    assert ("active_units" in table.index) == (case == "semi_supervised_vae")  # one code, whose means vary with x alone


def test_a_saved_fit_has_the_same_report(backend, tmp_path):
    fit = fitted("top down", backend)
    model = zoo.Model(layers(backend)[0], backend=backend)
    again = inference.load(fit.save(tmp_path / "fit"), model=model)
    for name in ("kl_by_latent", "active_latents", "bits_per_dimension"):
        assert again.diagnostics[name] == fit.diagnostics[name]


def test_bits_per_dimension_are_of_observed_discrete_numbers(backend):
    diagnostics = fitted("sigmoid_belief_network", backend).diagnostics
    assert diagnostics["bits_per_dimension"] == pytest.approx(-diagnostics["elbo_nats_per_row"] / (16 * np.log(2)))
    assert "bits_per_dimension" not in fitted("semi_supervised_vae", backend).diagnostics


@pytest.mark.parametrize(
    ("line", "x", "bits"),
    [
        ("binary [N D]", [[0.0, 1.0], [1.0, np.nan]], 2 / 3),
        ("count [N D]", np.array([[3, 4, 5, 6]]), 1 / 4),
        ("real [N D]", [[0.5, 1.0]], None),
        ("binary [N D]", [[np.nan, np.nan]], None),
    ],
)
def test_bits_per_dimension(line, x, bits):
    assert bits_per_dimension(-np.log(2), {"x": Site.parse(line)}, {"x": np.asarray(x)}) == pytest.approx(bits)


@pytest.mark.parametrize(
    ("kl", "note"),
    [
        (
            {"z3": 0.0, "z2": 0.009, "z1": 0.001},
            "collapsed: the KL of every latent is below 0.01 nats per row, so that codes do not depend on their rows; "
            "try warm_up=0.5, free_bits=0.1, a smaller decoder or more steps",
        ),
        (
            {"z3": 0.0, "z2": 0.5, "z1": 0.001},
            "2 of 3 latents inactive, with a KL below 0.01 nats per row: z3, z1; "
            "try warm_up=0.5, free_bits=0.1, a smaller decoder or more steps",
        ),
        ({"z3": 0.1, "z2": 0.5, "z1": 0.2}, None),
    ],
)
def test_latents_without_information_are_named(kl, note, backend):
    fit = fitted("top down", backend)
    changed = fit.diagnostics.replace(kl_by_latent=kl, active_latents=[n for n, v in kl.items() if v > 0.01])
    assert collapse_note(replace(fit, diagnostics=changed)) == note
    tried = {**fit.options, "warm_up": 0.2, "free_bits": 0.3}
    message = collapse_note(replace(fit, diagnostics=changed, options=tried))
    assert message is None if note is None else message and message.endswith("; try a smaller decoder or more steps")


def test_the_summary_has_the_free_bits(backend):
    program, guide = layers(backend)
    fit = inference.fit(zoo.Model(program, backend=backend), X, guide=guide, free_bits=0.25, **SHORT)
    assert fit.summary()["estimate"]["free_bits"] == 0.25


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_collapsed_vae_is_reported_with_what_to_try(backend, tmp_path):
    """Pixels that do not depend on each other leave nothing for a code to say, and the weight of the KL is large."""
    x = (np.random.default_rng(1).random((60, 16)) < 0.5).astype(float)
    model = zoo.load("vae", backend, Z=1, width=2, depth=1)
    fit = inference.fit(model, x, engine="svi", num_steps=600, beta=20.0, batch_size=60)
    assert fit.diagnostics["active_latents"] == []
    with pytest.warns(UserWarning, match="collapsed: the KL of z is below 0.01 nats per row.*warm_up=0.5"):
        fit.summary()
    printed = CliRunner().invoke(app, ["summary", str(fit.save(tmp_path / "fit"))])
    assert printed.exit_code == 0, printed.output
    assert printed.output.count("collapsed: the KL of z") == 1

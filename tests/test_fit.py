"""Fits are saved and loaded exactly; errors of saving, loading and fitting."""

import json

import numpy as np
import pytest

import zoo
from inference import fit, latents, load, refusals
from tests.programs import exponentials
from tests.table import BACKENDS, EXACT, LEARNED, network_sizes, required_sizes, simulate_case
from zoo.data.corpus import Corpus
from zoo.errors import Refusal


def cases(names, compiled):
    """Pyro runs all models, and NumPyro one of them fast: it compiles for long, and arrays are saved alike."""
    fast = [*((name, "pyro") for name in names), (compiled, "numpyro")]
    slow = [pytest.param(name, "numpyro", marks=pytest.mark.slow) for name in names if name != compiled]
    return fast + slow


@pytest.mark.parametrize(("name", "backend"), cases(EXACT, "poisson_mixture"))
def test_a_round_trip_is_exact(name, backend, tmp_path):
    _, x = simulate_case(name, {}, seed=2, N=30)
    model = zoo.load(name, backend, **required_sizes(name))
    made = fit(model, x, "em", seed=3, objective="map", sample_weight=np.arange(1.0, 31.0))
    back = load(made.save(tmp_path / "fit"))
    for group in ("params", "draws", "stats", "state", "data"):
        assert getattr(back, group).keys() == getattr(made, group).keys()
        for site, value in getattr(made, group).items():
            read = getattr(back, group)[site]
            assert read.dtype == value.dtype
            assert (read.tobytes(), read.shape) == (value.tobytes(), value.shape)
    assert (back.trace == made.trace).all()
    assert back.diagnostics == made.diagnostics
    for word in ("engine", "seed", "device", "dtype", "seconds"):
        assert getattr(back, word) == getattr(made, word)
    assert back.options.keys() == made.options.keys()
    assert (back.options["sample_weight"] == made.options["sample_weight"]).all()
    assert (back.log_likelihood() == made.log_likelihood()).all()
    assert made.save(tmp_path / "fit") == tmp_path / "fit", "a fit may be saved over"
    assert [p.name for p in tmp_path.iterdir()] == ["fit"], "no draft is left behind"
    assert repr(made) == repr(back), "one line"
    assert len(repr(made)) < 200


def as_bytes(values):
    """The bytes of an array, or of the arrays of a corpus, for comparison to the bit."""
    if isinstance(values, Corpus):
        return *(as_bytes(v) for v in (values.indptr, values.words, values.counts)), values.V, values.vocabulary
    return values.dtype, values.tobytes(), values.shape


@pytest.mark.parametrize(("name", "backend"), cases(LEARNED, "vae"))
def test_learned_arrays_are_saved_exactly_and_load_in_both_backends(name, backend, tmp_path):
    card = zoo.card(name)
    sizes = {letter: card.sizes[letter] for letter in required_sizes(name)}
    model = zoo.load(name, backend, **{**network_sizes(name), **sizes})
    values = model.simulate(0)
    made = fit(model, model.data_of(values), num_steps=2, dtype="float64")
    back = load(made.save(tmp_path / "fit"))
    for group in ("params", "state", "data"):
        ours, theirs = getattr(made, group), getattr(back, group)
        assert {n: as_bytes(v) for n, v in ours.items()} == {n: as_bytes(v) for n, v in theirs.items()}
    assert set(card.parameters()) <= set(made.params)
    assert set(made.params) < set(made.state), "and the guide's"
    elsewhere = [zoo.load(name, b, **{k: v for k, v in back.keywords.items() if k != "N"}) for b in BACKENDS]
    point = {**{site: values[site] for site in (*model.card.latents, *card.observed)}, **back.params}
    joints = [m.log_joint(point, N=card.sizes["N"]) for m in elsewhere]
    assert np.isfinite(joints).all()
    np.testing.assert_allclose(*joints, rtol=1e-10)


@pytest.mark.parametrize("columns", [(0, 3), [0, 3]], ids=["tuple", "list"])
def test_a_setting_of_several_numbers_stays_one(columns, tmp_path):
    model = zoo.load("attribute_vae", Z=2, C=2, likelihood="mixed", columns=columns, width=4, depth=1)
    x = np.column_stack([np.linspace(-1, 1, 12), np.arange(12) % 3])
    made = fit(model, {"x": x, "attribute": np.arange(12) % 2}, num_steps=2)
    back = load(made.save(tmp_path / "fit"))
    assert back.keywords["columns"] == made.keywords["columns"] == (0, 3)
    np.testing.assert_array_equal(latents.encode(back).mean, latents.encode(made).mean)


def test_saving_replaces_no_other_folder(tmp_path, old_faithful):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("keep me")
    made = fit(zoo.load("gaussian_mixture", K=1), old_faithful, "em")
    with pytest.raises(zoo.ZooError, match="other than a fit"):
        made.save(tmp_path / "letters")
    assert (tmp_path / "letters" / "dear.txt").read_text() == "keep me"


def test_an_interrupted_save_leaves_the_old_fit(tmp_path, old_faithful, monkeypatch):
    made = fit(zoo.load("gaussian_mixture", K=1), old_faithful, "em")
    made.save(tmp_path / "fit")

    def full_disk(*args, **keywords):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="no space"):
        made.save(tmp_path / "fit")
    assert (load(tmp_path / "fit").params["mu"] == made.params["mu"]).all()
    assert [p.name for p in tmp_path.iterdir()] == ["fit"]


def test_a_folder_without_a_fit_raises(tmp_path, old_faithful):
    with pytest.raises(zoo.ZooError, match="holds no fit"):
        load(tmp_path / "nowhere")
    made = fit(zoo.load("gaussian_mixture", K=1), old_faithful, "em").save(tmp_path / "fit")
    (made / "arrays.npz").write_bytes((made / "arrays.npz").read_bytes()[:100])
    with pytest.raises(zoo.ZooError, match="damaged"):
        load(made)

    older = fit(zoo.load("gaussian_mixture", K=1), old_faithful, "em").save(tmp_path / "older")
    plain = json.loads((older / "fit.json").read_text())
    (older / "fit.json").write_text(json.dumps({**plain, "format": 99}))
    with pytest.raises(zoo.ZooError, match="format 99"):
        load(older)


def test_a_user_program_is_passed_again_on_loading(tmp_path):
    model = exponentials("numpyro")
    made = fit(model, np.random.default_rng(0).exponential(1.0, 50), "em").save(tmp_path / "fit")
    with pytest.raises(zoo.ZooError, match=r"model=zoo\.Model"):
        load(made)
    assert load(made, model=model).log_likelihood().shape == (50,)


def test_a_refusal_names_the_reason_and_other_engines():
    def with_local(x=None, *, N):
        from numpyro import plate, sample
        from numpyro.distributions import Normal

        with plate("N", N):
            f = sample("f", Normal(0.0, 1.0))
            sample("x", Normal(f, 1.0), obs=x)

    model = zoo.read(zoo.Model(with_local, backend="numpyro"), np.zeros(5))
    assert "continuous latent" in (refusals(model)["em"] or "")
    with pytest.raises(Refusal, match=r"em cannot fit with_local: f is a continuous latent.*these can: .*nuts"):
        fit(model, np.zeros(5), "em")


def test_fitting_changes_no_global_state(old_faithful):
    import jax.numpy as jnp
    import pyro
    import torch

    for backend in BACKENDS:
        pyro.param("mine", torch.ones(1))
        fit(zoo.load("gaussian_mixture", backend, K=2), old_faithful, "em")
        assert jnp.ones(1).dtype == jnp.float32
        assert torch.ones(1).dtype == torch.float32
        assert set(pyro.get_param_store().keys()) == {"mine"}
    pyro.clear_param_store()

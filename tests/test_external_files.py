"""Trees of ArviZ, netCDF files and CSV files of CmdStan: draws, dimensions and data are those that were written."""

import importlib.util

import numpy as np
import pytest
from fits_elsewhere import check_refusal, schools
from synthetic import mixture

from inference import from_arviz, load


def test_a_tree_makes_the_round_trip():
    ours = mixture("nuts", shape=(2, 50))
    tree = ours.to_arviz()
    fit = from_arviz(tree)
    assert fit.engine == "nuts"
    assert fit.seconds == ours.seconds
    assert fit.model.name == "gaussian_mixture"
    again = fit.to_arviz()
    assert set(again.children) == set(tree.children)
    for group, child in tree.children.items():
        for name, values in child.dataset.items():
            np.testing.assert_array_equal(again.children[group].dataset[name].values, values.values)
    table, expected = fit.summary(), ours.summary()
    np.testing.assert_allclose(table.loc[expected.index], expected, rtol=1e-12)
    whole = from_arviz(tree, model=ours.model, data=ours.data)
    np.testing.assert_allclose(whole.summary(), expected, rtol=1e-12)


def test_dimensions_and_coordinates_are_those_of_the_tree(tmp_path):
    fit = from_arviz(schools(), name="schools")
    assert fit.model.card.sites()["theta"].dims == ("school",)
    assert fit.model.card.sites()["count"].kind == "count"
    again = load(fit.save(tmp_path / "fit"))
    assert again.model.card.sites() == fit.model.card.sites()
    for one in (fit, again):
        posterior = one.to_arviz().children["posterior"].dataset
        assert list(posterior["school"].values) == ["Choate", "Deerfield", "Exeter"]


def test_a_dimension_called_K_is_not_taken_for_exchangeable_components():
    tree = schools(dims=("K",))
    fit = from_arviz(tree)
    np.testing.assert_array_equal(fit.aligned()["theta"], tree["posterior"]["theta"].values)


def test_data_of_a_tree_may_be_one_number_or_text():
    from arviz_base import from_dict

    posterior = {"mu": np.random.default_rng(0).normal(size=(2, 100))}
    observed = {"y": np.array(3), "names": np.array(["a", "b"])}
    fit = from_arviz(from_dict({"posterior": posterior, "observed_data": observed}))
    assert list(fit.data) == ["y"]
    assert "1 rows" in repr(fit)


@pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("h5netcdf", "netCDF4")),
    reason="netCDF files with groups need h5netcdf or netCDF4",
)
def test_a_netcdf_file(tmp_path):
    tree = schools()
    tree.to_netcdf(tmp_path / "schools.nc")
    fit = from_arviz(tmp_path / "schools.nc")
    assert fit.model.name == "schools"
    np.testing.assert_array_equal(fit.draws["theta"], tree["posterior"]["theta"].values)
    assert list(fit.to_arviz().children["posterior"].dataset["school"].values) == ["Choate", "Deerfield", "Exeter"]


def test_a_file_that_is_not_netcdf_is_refused(tmp_path):
    path = tmp_path / "text.nc"
    path.write_text("no netCDF")
    check_refusal("as netCDF", lambda: from_arviz(path))


def test_the_error_without_a_package_for_netcdf_names_the_extra(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in ("h5netcdf", "netCDF4") else find(name, *rest)
    )
    path = tmp_path / "chains.nc"
    path.write_bytes(b"\x89HDF")
    check_refusal(r"pip install 'latent-zoo\[netcdf\]'", lambda: from_arviz(path))


class InferenceData:
    """The interface of that of ArviZ before version 1."""

    def __init__(self, tree):
        self.tree, self.attrs = tree, {"inference_library": "pymc"}

    def groups(self):
        return [f"/{name}" for name in self.tree.children]

    def __getitem__(self, name):
        return self.tree[name].to_dataset()


def test_inference_data_of_older_versions():
    tree = schools()
    fit = from_arviz(InferenceData(tree))
    assert fit.engine == "pymc"
    np.testing.assert_array_equal(fit.draws["theta"], tree["posterior"]["theta"].values)


def write_csv(path, draws, warmup=0):
    """A file as CmdStan writes it, with theta[2, 2] in column-major order."""
    columns = ["lp__", "divergent__", "mu", "theta.1.1", "theta.2.1", "theta.1.2", "theta.2.2"]
    lines = [
        "# stan_version_major = 2", "# stan_version_minor = 36", "# stan_version_patch = 0", "# model = rats_model",
        f"#     num_warmup = {warmup or 1000} (Default)", f"#     save_warmup = {int(warmup > 0)}", "#     thin = 1",
        ",".join(columns), "# Adaptation terminated",
        *(",".join(map(str, row)) for row in draws),
        "# Elapsed Time: 0.1 seconds (Total)",
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    return path


def test_csv_files_of_cmdstan(tmp_path):
    draws = np.random.default_rng(0).normal(size=(2, 40, 7))
    draws[..., 1] = np.arange(40) == 7
    paths = [write_csv(tmp_path / f"rats-{i}.csv", chain) for i, chain in enumerate(draws)]
    fit = from_arviz(paths)
    assert fit.model.name == "rats"
    assert fit.engine == "cmdstan"
    assert fit.diagnostics["divergences_by_chain"] == [1, 1]
    np.testing.assert_array_equal(fit.draws["mu"], draws[..., 2])
    np.testing.assert_array_equal(fit.draws["theta"][..., 1, 0], draws[..., 4])
    np.testing.assert_array_equal(fit.draws["theta"][..., 0, 1], draws[..., 5])
    np.testing.assert_array_equal(fit.stats["lp"], draws[..., 0])
    assert fit.to_arviz().attrs["inference_library_version"] == "2.36.0"
    with_warmup = write_csv(tmp_path / "warm.csv", np.concatenate([draws[1], draws[0]]), warmup=40)
    np.testing.assert_array_equal(from_arviz(with_warmup).draws["mu"][0], draws[0, :, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# method = sample\n", "holds no draws"),
        ("lp__,mu\n1,two\n", "is no CSV file of CmdStan"),
        ("lp__,mu\n1,2,3\n", "2 names and 3 columns"),
        ("lp__\n1\n", "has no parameters"),
    ],
)
def test_damaged_csv_files_are_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "chain.csv"
    path.write_text(text)
    check_refusal(message, lambda: from_arviz(path))

"""The report: one self-contained file with all results, in which text of the user is escaped."""

import base64
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pages import check_in_browser, check_page
from synthetic import BIVARIATE, at_point, bivariate, chains_of, correlated, gaussian, guide_of, mixture

import zoo
from inference import compare
from inference.evaluation.comparison.draws_file import MAX_NUMBERS, MAX_QUANTITIES, thinned_draws
from inference.evaluation.comparison.figures import model_plot, select_quantities
from inference.evaluation.comparison.numbers import MEANINGS, k_hat_error, r_hat_error
from inference.evaluation.comparison.table import SHORT_TABLE, short_table
from inference.plots import page as page_module
from inference.plots.numbers import with_error
from inference.summaries.statistics import chain_statistics, smooth_weights
from zoo import ZooError, load, names

HOSTILE_NAME = "<script>alert('x')</script> & \"quoted\""


@pytest.fixture(scope="module")
def comparison():
    guide = mixture("svi", 4, (1, 300), stats={"lp": np.zeros((1, 300)), "log_weight": np.zeros((1, 300))})
    guide = replace(guide, trace=np.linspace(-9, -1, 300), options={"guide": "mean_field"})
    fits = [at_point(mixture("nuts")), guide, mixture("nuts")]
    return compare(*fits, names=["em", HOSTILE_NAME, "nuts"], columns=["eruptions", "<b>waiting</b>"])


@pytest.fixture(scope="module")
def page(comparison, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path = comparison.save(folder / "deep" / "report.html")
    assert [f.name for f in path.parent.iterdir()] == ["report.html"]  # no draft is left
    return path.read_text(encoding="utf-8")


def test_the_page_is_self_contained_and_well_formed(page):
    reader = check_page(page)
    images = [address for address in reader.addresses if address.startswith("data:image/png;base64,")]
    assert len(images) == 5
    assert all(base64.b64decode(image.split(",", 1)[1]).startswith(b"\x89PNG") for image in images)
    assert len(page) < 1_000_000


@pytest.mark.parametrize("name", ["page.js", "explore.js"])
def test_scripts_have_no_syntax_error(name, tmp_path):
    """Where there is no browser, Node.js reads them at least."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    (tmp_path / name).write_text(page_module.asset(name), encoding="utf-8")
    done = subprocess.run([node, "--check", str(tmp_path / name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_page_opens_in_a_browser(page, tmp_path):
    check_in_browser(page, tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3.0, 1e6])
def test_pages_of_draws_that_are_not_numbers_constant_or_far_from_zero(value, tmp_path):
    """Each may come of a fit that failed, which the page must show."""
    good = chains_of(correlated(0.5))
    x = good.draws["mu"].copy()
    if np.isfinite(value):
        x[..., 0] = value + 1e-9 * x[..., 0] * (value > 10)
    else:
        x[0, 3, 0] = value
    c = compare(replace(good, draws={"mu": x}), guide_of(correlated(0.5), correlated(0.5)))
    check_page(c.save(tmp_path / "page.html").read_text(encoding="utf-8"))


def test_pages_of_other_kinds_of_fits_are_well_formed(tmp_path):
    rho = correlated(0.5)
    points = compare(at_point(mixture("nuts")), at_point(mixture("nuts")))
    kinds = {"guides": compare(guide_of(rho, rho), guide_of(rho, rho, seed=3)), "points": points}
    for name, c in kinds.items():
        text = c.save(tmp_path / f"{name}.html", f"zoo compare {HOSTILE_NAME}").read_text(encoding="utf-8")
        check_page(text)
        assert "zoo compare &lt;script&gt;" in text
        assert text.count("<canvas") == {"guides": 1, "points": 0}[name]


def test_text_of_the_user_is_escaped(page):
    assert HOSTILE_NAME not in page
    assert "&lt;script&gt;" in page
    assert "<b>waiting</b>" not in page


def test_the_page_has_all_sections(comparison, page):
    for words in (
        "Gaussian mixture",
        "40 rows",
        "Rule:",
        "R-hat",
        "k-hat",
        "mu_k",
        "Fraley",
        "inference.fit(",
        "NumPy",
    ):
        assert words.lower() in page.lower()
    assert page.index("Use nuts") < page.index("Rule:")  # the verdict comes first
    for name in comparison.table["quantity"].unique():
        assert name in page
    assert len(comparison.figures()) == 5
    assert page.count("<figure>") == 5 + 2  # and the interactive ones


def test_numbers_have_their_errors_and_a_sentence(comparison, page):
    table = comparison.table
    for row in table[table["fit"] == "nuts"].itertuples():
        for number, error in ((row.mean, row.mean_se), (row.sd, row.sd_se)):
            assert f"<td>{with_error(number, error)}</td>" in page
    for heading, *_ in short_table(comparison)[1]:
        assert f"<dt>{heading}</dt>" in page
    assert set(SHORT_TABLE) == set(MEANINGS)


def test_the_error_of_r_hat_is_its_spread_over_chains_that_agree():
    x = np.random.default_rng(0).normal(size=(4, 500, 400))
    r_hat, bulk, _ = chain_statistics(x)
    errors = [r_hat_error(4, size) for size in bulk]
    # the larger of two nearly independent ones, of values and of their distances from the median
    assert 0.7 < np.std(r_hat) / np.mean(errors) < 1.1


def test_the_error_of_k_hat_is_its_spread_over_repetitions():
    u = np.random.default_rng(0).uniform(size=(200, 1000))
    k_hats = [smooth_weights(-0.5 * np.log(row))[1] for row in u]  # weights u^-k have a tail of shape k
    assert np.std(k_hats) == pytest.approx(k_hat_error(0.5, 1000), rel=4 / np.sqrt(2 * len(u)))


def test_the_draws_can_be_saved_from_the_page(comparison, page, tmp_path):
    address = next(a for a in check_page(page).addresses if a.startswith("data:application/gzip"))
    path = tmp_path / "draws.csv.gz"
    path.write_bytes(base64.b64decode(address.split(",")[1]))
    table = pd.read_csv(path)
    assert list(table.columns[:3]) == ["fit", "chain", "draw"]
    assert table["fit"].value_counts().to_dict() == {"em": 1, HOSTILE_NAME: 300, "nuts": 1664}
    assert "1664 of the 2000 draws of nuts, evenly spaced" in page
    for name, rows in table.groupby("fit"):
        s = comparison.statistics[str(name)]
        truth = s.values[rows["chain"], rows["draw"]]
        off = np.abs(rows[s.quantities].to_numpy() - truth)
        assert (off <= 1e-3 * comparison.statistics["nuts"].sd).all()


@pytest.mark.parametrize("j", [0, 69])
def test_of_many_quantities_the_draws_are_of_those_that_differ_most(j):
    table = thinned_draws(wide_comparison(j))
    assert len(table.quantities) == MAX_QUANTITIES
    assert f"mu[{j}]" in table.quantities
    assert sum(draws.size for draws in table.draws.values()) <= MAX_NUMBERS
    assert f"the {MAX_QUANTITIES} of 70 quantities" in table.description


def wide_comparison(j):
    """Fits with 70 quantities, of which the guide has one wrong."""
    x = np.random.default_rng(0).normal(size=(4, 500, 70))
    fields = {
        "model": zoo.Model(bivariate, backend="numpyro", card=BIVARIATE, D=70),
        "keywords": {"N": 3, "D": 70},
        "data": {"x": np.zeros((3, 70))},
    }
    z = np.random.default_rng(1).normal(size=(1, 2000, 70)) + 3 * (np.arange(70) == j)
    weights = {"log_weight": np.zeros((1, 2000))}
    guide = gaussian("svi", z, np.zeros((1, 2000)), stats=weights, options={"guide": "mean_field"}, **fields)
    return compare(gaussian("nuts", x, np.zeros((4, 500)), **fields), guide)


def test_only_applicable_figures_are_made(comparison):
    assert list(comparison.figures()) == ["data", "objective", "marginals", "responsibilities", "chains of nuts"]
    rho = correlated(0.5)
    own = compare(chains_of(rho), guide_of(rho, rho))  # a user's program without discrete sites
    assert list(own.figures()) == ["objective", "marginals", "chains of nuts"]
    points = compare(at_point(mixture("nuts")), at_point(mixture("nuts")))
    assert list(points.figures()) == ["data", "objective", "responsibilities"]


def test_of_two_quantities_that_determine_each_other_one_is_selected():
    x = np.random.default_rng(0).normal(size=(50, 2))
    draws = np.column_stack([x[:, 0], 1 - x[:, 0], x[:, 1]])
    assert select_quantities(np.array([2.0, 3.0, 1.0]), draws, 3) == [1, 2]


def test_a_page_that_cannot_be_written_raises(comparison, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="cannot write the report"):
        comparison.save(tmp_path / "file" / "report.html")


PLOTTED = {
    "autoregressive_hmm": ("autoregressive_hmm", {"P": 2}),
    "gaussian_mixture-1": ("gaussian_mixture", {"D": 1, "covariance": "diag"}),
    "gaussian_mixture-2": ("gaussian_mixture", {"D": 2, "covariance": "tied"}),
    "gaussian_mixture-2-diagonal": ("gaussian_mixture", {"D": 2, "covariance": "tied_diag"}),
    "gaussian_mixture-6": ("gaussian_mixture", {"D": 6, "covariance": "spherical"}),
    "hidden_markov": ("hidden_markov", {}),
    "hidden_markov-categorical": ("hidden_markov", {"emission": "categorical"}),
    "latent_class": ("latent_class", {"J": 35}),
    "mixed_latent_class": ("mixed_latent_class", {"columns": (3, 0, "count", 2, "covariate")}),
    "poisson_mixture": ("poisson_mixture", {"mean": 300.0}),
    "switching_regression": ("switching_regression", {"columns": (0, "covariate", 0), "D": 3}),
}


@pytest.mark.parametrize("case", PLOTTED)
def test_every_model_plot_is_drawn(case, tmp_path):
    from matplotlib.figure import Figure

    name, settings = PLOTTED[case]
    model = load(name, K=3, **settings)
    values = load(name, "pyro", **model.settings).simulate(1)
    params = {n: values[n] for n in model.card.parameters(model.settings)}
    r = np.random.default_rng(0).dirichlet(np.ones(3), size=values["z"].shape)
    figure = Figure()
    plot = model_plot(model)
    assert plot is not None
    plot(figure.add_subplot(), params, {"x": values["x"]}, {"z": r}, model.settings)
    figure.savefig(tmp_path / "plot.png")
    legends = filter(None, (axes.get_legend() for axes in figure.axes))
    labels = [text.get_text() for legend in legends for text in legend.get_texts()]
    assert sum("%" in label for label in labels) == 3


def test_every_mixture_of_the_zoo_has_a_plot():
    assert [n for n in names() if "mixture" in load(n).card.tags and model_plot(load(n)) is None] == []

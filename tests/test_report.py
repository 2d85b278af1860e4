"""The report: one self-contained file with all results, in which text of the user is escaped."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest
from synthetic import at_point, chains_of, correlated, guide_of, mixture

from inference import compare
from inference.evaluation.comparison.figures import model_plot, select_quantities
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


def test_the_page_is_self_contained(page):
    assert "http" not in page
    assert "url(" not in page
    assert not re.search(r"<(script|link|iframe|object|embed)|@import|href=|srcset=", page)
    sources = re.findall(r'src="([^"]*)"', page)
    assert sources
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    assert all(base64.b64decode(s.split(",", 1)[1]).startswith(b"\x89PNG") for s in sources)


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
    assert page.count("<figure>") == len(comparison.figures()) == 5


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

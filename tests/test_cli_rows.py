"""``zoo predict``, ``zoo scores`` and ``zoo impute``: the numbers of the fit, by row, with the ids of the rows."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import inference
import zoo
from inference.analysis import row_tables
from zoo import datasets
from zoo.cli import app
from zoo.data.corpus import as_corpus, write_ldac


def run_zoo(*arguments: object, exit_code: int = 0) -> Any:
    """The result of ``zoo WORDS``."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def read_output(*arguments: object) -> pd.DataFrame:
    """The table that a command prints."""
    return pd.read_csv(io.StringIO(run_zoo(*arguments).stdout))


def error_of(*arguments: object) -> str:
    """The error of a command: one line."""
    result = run_zoo(*arguments, exit_code=2)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def geyser() -> pd.DataFrame:
    """Sixty eruptions, each with a key, beside a column of words."""
    frame = datasets.load("faithful").iloc[:60].reset_index(drop=True)
    return frame.assign(key=[f"row {n}" for n in range(60)], park="yellowstone")


@pytest.fixture(scope="module")
def mixture(geyser, tmp_path_factory):
    """A folder with a mixture of Old Faithful, and its fit."""
    model = zoo.load("gaussian_mixture", "pyro", K=2)
    fit = inference.fit(model, geyser[["eruptions", "waiting"]], "em")
    return fit.save(tmp_path_factory.mktemp("fits") / "mixture"), fit


@pytest.fixture(scope="module")
def factors(tmp_path_factory):
    """A folder with a factor analysis of five columns, its fit, and a table with missing values, the ids in front."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 1)) @ rng.normal(size=(1, 5)) + 0.5 * rng.normal(size=(50, 5))
    frame = pd.DataFrame(x, columns=list("abcde"))
    fit = inference.fit(zoo.load("factor_analysis", Z=1), frame, "em")
    table = frame.iloc[:6].assign(note=["n1", "n2", "n3", "n4", "n5", "n6"])
    table.loc[1, "b"] = table.loc[4, "a"] = table.loc[4, "e"] = np.nan
    table.insert(0, "key", [f"k{n}" for n in range(6)])
    return fit.save(tmp_path_factory.mktemp("fits") / "factors"), fit, table


def write(frame: pd.DataFrame, path):
    """A table in a file of the kind that its ending names."""
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


def test_predict_has_the_labels_of_the_fit(mixture):
    folder, fit = mixture
    table = read_output("predict", folder)
    assert list(table.columns) == ["row", "z", "z probability"]
    np.testing.assert_array_equal(table["row"], np.arange(60))
    np.testing.assert_array_equal(table["z"], fit.predict()["z"])
    np.testing.assert_allclose(table["z probability"], fit.local()["z"].max(-1))


def test_scores_have_the_probabilities_of_the_fit(mixture):
    folder, fit = mixture
    table = read_output("scores", folder)
    assert list(table.columns) == ["row", "z[0]", "z[1]"]
    np.testing.assert_allclose(table[["z[0]", "z[1]"]], fit.local()["z"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_are_matched_by_name_and_ids_are_kept(suffix, mixture, geyser, tmp_path):
    folder, fit = mixture
    new = geyser.iloc[5:12][["park", "waiting", "key", "eruptions"]]
    path = write(new.reset_index(drop=True), tmp_path / f"new.{suffix}")
    table = read_output("predict", folder, "--data", path, "--id", "key")
    assert list(table["key"]) == list(new["key"])
    np.testing.assert_array_equal(table["z"], fit.predict()["z"][5:12])


def test_an_index_column_is_kept_as_the_first_column(mixture, geyser, tmp_path):
    folder, fit = mixture
    new = geyser.iloc[5:12][["waiting", "eruptions"]]
    new.to_csv(tmp_path / "new.csv")  # the index is a column without a name
    assert run_zoo("scores", folder, "--data", tmp_path / "new.csv").stdout.startswith(",z[0],z[1]\n5,")
    new.set_index(pd.Index(list("abcdefg"), name="letter")).to_parquet(tmp_path / "new.parquet")
    table = read_output("scores", folder, "--data", tmp_path / "new.parquet")
    assert "".join(table["letter"]) == "abcdefg"
    np.testing.assert_allclose(table[["z[0]", "z[1]"]], fit.local()["z"][5:12])


def test_files_are_read_with_the_options_of_fit(mixture, geyser, tmp_path):
    folder, fit = mixture
    new, expected = geyser.iloc[5:9][["eruptions", "waiting"]], fit.predict()["z"][5:9]
    new.to_csv(tmp_path / "comma.csv", index=False, sep=";", decimal=",")
    new.to_csv(tmp_path / "bar.csv", index=False, sep="^")
    new.to_csv(tmp_path / "bare.csv", index=False, header=False)
    for name, options in (("comma", ()), ("bar", ("--sep", "^")), ("bare", ("--no-header",))):
        table = read_output("predict", folder, "--data", tmp_path / f"{name}.csv", *options)
        np.testing.assert_array_equal(table["z"], expected)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_the_file_is_of_the_kind_that_its_ending_names(suffix, mixture, geyser, tmp_path):
    folder, _ = mixture
    path = tmp_path / "deep" / f"labels.{suffix}"
    data = write(geyser, tmp_path / "new.csv")
    assert f"60 rows: {path}" in run_zoo("predict", folder, "--data", data, "--id", "key", "--out", path).stdout
    readers = {"csv": pd.read_csv, "tsv": lambda p: pd.read_csv(p, sep="\t"), "parquet": pd.read_parquet}
    table = readers[suffix](path)
    assert list(table.columns) == ["key", "z", "z probability"]
    assert list(table["key"]) == list(geyser["key"])


def test_scores_of_factors_have_standard_deviations(factors, tmp_path):
    folder, fit, frame = factors
    data = write(frame, tmp_path / "new.csv")
    local = fit.local(frame[list("abcde")])["z"]
    table = read_output("scores", folder, "--data", data, "--id", "key")
    assert list(table.columns) == ["key", "z[0]", "z[0] sd"]
    np.testing.assert_allclose(table["z[0]"], local.mean[:, 0])
    np.testing.assert_allclose(table["z[0] sd"], np.sqrt(local.covariance[:, 0, 0]))
    rotated = read_output("scores", folder, "--data", data, "--id", "key", "--rotation", "varimax")
    assert list(rotated.columns) == ["key", "factor 1", "factor 1 sd"]
    np.testing.assert_allclose(np.abs(rotated["factor 1"]), np.abs(local.mean[:, 0]))


def test_impute_fills_the_missing_cells_and_keeps_the_rest(factors, tmp_path):
    folder, fit, frame = factors
    data = write(frame, tmp_path / "new.csv")
    table = read_output("impute", folder, "--data", data, "--id", "note")
    assert list(table.columns) == ["note", "key", *"abcde"]
    np.testing.assert_allclose(table[list("abcde")], inference.factors.fill_missing(fit, frame[list("abcde")]))
    seen = frame[list("abcde")].notna().to_numpy()
    np.testing.assert_array_equal(table[list("abcde")].to_numpy()[seen], frame[list("abcde")].to_numpy()[seen])
    assert list(table["key"]) == list(frame["key"])
    plain = read_output("impute", folder, "--data", data)
    assert list(plain.columns) == list(frame.columns)
    assert len(read_output("impute", folder)) == 50  # nothing is missing in the rows of the fit


def test_impute_writes_an_interval_for_each_cell(factors, tmp_path):
    folder, fit, frame = factors
    data = write(frame, tmp_path / "new.csv")
    cells = read_output("impute", folder, "--data", data, "--id", "key", "--cells", "--interval", 0.5)
    expected = inference.factors.impute(fit, frame[list("abcde")], interval=0.5)
    assert list(cells["key"]) == ["k1", "k4", "k4"]
    assert list(cells["column"]) == ["b", "a", "e"]
    numbers = ["mean", "sd", "low", "high"]
    np.testing.assert_allclose(cells[numbers], expected[numbers].astype(float))
    assert list(read_output("impute", folder, "--data", data, "--cells")["row"]) == [1, 4, 4]
    frame.drop(columns=["key", "note"]).to_csv(data)  # the index is a column without a name
    assert run_zoo("impute", folder, "--data", data, "--cells").stdout.startswith(",column,mean,sd,low,high\n1,b,")


@pytest.fixture(scope="module")
def documents():
    """Eight documents of two kinds of words, with ids."""
    tokens = [["law", "court", "judge"] * (n + 1) if n % 2 else ["rain", "sun"] * (n + 2) for n in range(8)]
    return as_corpus(tokens, ids=[f"page {n}" for n in range(8)])


@pytest.mark.slow
def test_topics_of_documents_by_their_ids(documents, tmp_path):
    counts = pd.DataFrame(documents.dense(), columns=list(documents.vocabulary)).assign(title=documents.ids)
    data, folder = write(counts, tmp_path / "counts.csv"), tmp_path / "fit"
    settings = ["--set", "K=2", "--engine", "em", "--option", "max_iter=20", "--option", "threads=1"]
    assert "title are not" in error_of("fit", "latent_dirichlet", "--data", data, *settings)
    run_zoo("fit", "latent_dirichlet", "--data", data, "--id", "title", *settings, "--out", folder)
    fit = inference.load(folder)
    assert fit.data["w"].ids == documents.ids
    table = read_output("scores", folder)
    assert list(table.columns) == ["document", "topic 0", "topic 1"]
    assert tuple(table["document"]) == documents.ids
    np.testing.assert_allclose(table[["topic 0", "topic 1"]], inference.topics.mixtures(fit))
    first = read_output("predict", folder, "--data", data, "--id", "title")
    np.testing.assert_array_equal(first["topic"], table[["topic 0", "topic 1"]].to_numpy().argmax(1))
    assert first["topic"].nunique() == 2
    write_ldac(documents, tmp_path / "counts.ldac")
    (tmp_path / "ids.txt").write_text("\n".join(documents.ids))
    again = read_output("scores", folder, "--data", tmp_path / "counts.ldac", "--id", tmp_path / "ids.txt")
    assert tuple(again["document"]) == documents.ids
    assert "no mean of missing values" in error_of("impute", folder)


def test_fit_leaves_the_column_of_ids_out(geyser, tmp_path):
    data = write(geyser[["key", "eruptions", "waiting"]], tmp_path / "geyser.csv")
    arguments = ["--set", "K=2", "--backend", "pyro", "--out", tmp_path / "fit"]
    run_zoo("fit", "gaussian_mixture", "--data", data, "--id", "key", *arguments)
    assert inference.load(tmp_path / "fit").columns == {"x": ("eruptions", "waiting")}


@pytest.mark.slow
@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_codes_and_missing_pixels_of_an_autoencoder(backend, tmp_path):
    x = (np.random.default_rng(0).random((40, 6)) < 0.5).astype(float)
    fit = inference.fit(zoo.load("vae", backend, Z=2, width=4), x, "svi", num_epochs=2)
    folder = fit.save(tmp_path / "fit")
    code = inference.latents.encode(fit)
    table = read_output("scores", folder)
    assert list(table.columns) == ["row", "z[0]", "z[1]", "z[0] sd", "z[1] sd"]
    np.testing.assert_allclose(table[["z[0]", "z[1]"]], code.mean, rtol=1e-6)
    np.testing.assert_allclose(table[["z[0] sd", "z[1] sd"]], code.sd, rtol=1e-6)
    new = x[:5].copy()
    new[2, 3] = new[4, 0] = np.nan
    np.save(tmp_path / "new.npy", new)
    filled = read_output("impute", folder, "--data", tmp_path / "new.npy").drop(columns="row").to_numpy()
    expected = np.where(np.isnan(new), inference.latents.reconstruct(fit, new), new)
    np.testing.assert_allclose(filled, expected, rtol=1e-6)
    assert "no label of each row to predict: zoo scores has its latents" in error_of("predict", folder)
    assert "no interval: leave --cells out" in error_of("impute", folder, "--cells")


@pytest.mark.slow
def test_classes_and_discrete_codes(tmp_path):
    rng = np.random.default_rng(0)
    x, label = (rng.random((40, 6)) < 0.5).astype(float), rng.integers(0, 3, 40).astype(float)
    label[::2] = np.nan
    model = zoo.load("semi_supervised_vae", "pyro", C=3, Z=2, width=4)
    fit = inference.fit(model, {"x": x, "label": label}, "svi", num_epochs=2)
    labels, scores = row_tables.label_table(fit), row_tables.latent_table(fit)
    probabilities = inference.latents.classify(fit)
    np.testing.assert_array_equal(labels["y"], probabilities.argmax(-1))
    np.testing.assert_array_equal(labels["y probability"], probabilities.max(-1))
    assert [c for c in scores if "y" in c] == ["y[0]", "y[1]", "y[2]"]
    assert {"z[0]", "z[1] sd"} <= set(scores.columns)
    codes = inference.fit(zoo.load("categorical_vae", "pyro", M=3, K=4, width=4), x, "svi", num_epochs=2)
    np.testing.assert_array_equal(row_tables.latent_table(codes), inference.latents.codes(codes))


LINE = """
import torch
from pyro import plate, sample
from pyro.distributions import Normal


def line(X, y=None):
    slope = sample("slope", Normal(0.0, 10.0))
    with plate("rows", len(X)):
        sample("y", Normal(slope * X[:, 0], 0.1), obs=y)
"""


def test_predictions_of_a_program_at_new_covariates(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    old = pd.DataFrame({"dose": x, "response": 2 * x + 0.1 * rng.normal(size=30)})
    program, folder = f"{tmp_path / 'line.py'}:line", tmp_path / "fit"
    (tmp_path / "line.py").write_text(LINE)
    options = ["--engine", "svi", "--option", "num_steps=300", "--option", "num_draws=200", "--out", folder]
    data = write(old, tmp_path / "old.csv")
    run_zoo("fit", program, "X=dose,", "y=response", "--data", data, *options)
    new = pd.DataFrame({"dose": [1.0, 0.0, -2.0], "mouse": ["a", "b", "c"]})
    data = write(new, tmp_path / "new.csv")
    table = read_output("predict", folder, program, "X=dose,", "--data", data, "--id", "mouse", "--interval", 0.5)
    assert list(table.columns) == ["mouse", "y", "y sd", "y low", "y high"]
    assert list(table["mouse"]) == ["a", "b", "c"]
    # the slope is known to 0.1 / sqrt(30), each response to 0.1
    np.testing.assert_allclose(table["y"], [2.0, 0.0, -4.0], atol=0.1)
    np.testing.assert_allclose(table["y sd"], 0.1, rtol=0.5)
    np.testing.assert_allclose(table["y high"] - table["y low"], 2 * 0.6745 * table["y sd"], rtol=0.3)
    assert len(read_output("predict", folder, program)) == 30
    assert "is a program of your own" in error_of("predict", folder)
    words = write(new.assign(dose=["low", "mid", "high"]), tmp_path / "words.csv")
    assert "is read from words (dose)" in error_of("predict", folder, program, "X=dose", "--data", words)
    assert "did you mean 'mouse'" in error_of("predict", folder, program, "X=dose,", "--data", data, "--id", "moose")
    assert "names columns of new rows" in error_of("predict", folder, program, "X=dose,")


GROUPS = """
import torch
from pyro import plate, sample
from pyro.distributions import Normal


def means(county, y=None):
    with plate("counties", 3):
        mu = sample("mu", Normal(torch.zeros(()), 10.0))
    with plate("rows", len(county)):
        sample("y", Normal(mu[county], 0.1), obs=y)
"""


def test_words_of_new_rows_have_the_codes_of_the_fit(tmp_path):
    names = np.repeat(["Ytterby", "Ask", "Bo"], 10)
    old = pd.DataFrame({"county": names, "y": np.repeat([5.0, -3.0, 1.0], 10)})
    program, folder = f"{tmp_path / 'means.py'}:means", tmp_path / "fit"
    (tmp_path / "means.py").write_text(GROUPS)
    options = ["--engine", "svi", "--option", "num_steps=300", "--option", "num_draws=100", "--out", folder]
    run_zoo("fit", program, "county=county", "y=y", "--data", write(old, tmp_path / "old.csv"), *options)
    new = pd.DataFrame({"county": ["Bo", "Ytterby", "Bo", "Ask"]})  # other words come first
    table = read_output("predict", folder, program, "county=county", "--data", write(new, tmp_path / "new.csv"))
    np.testing.assert_allclose(table["y"], [1.0, 5.0, 1.0, -3.0], atol=0.3)
    other = write(pd.DataFrame({"county": ["Bo", "Oslo"]}), tmp_path / "other.csv")
    error = error_of("predict", folder, program, "county=county", "--data", other)
    assert "no word in the fit for column county 'Oslo'" in error


def test_mistakes_are_one_line(mixture, factors, geyser, tmp_path):
    folder, _ = mixture
    data = write(geyser, tmp_path / "geyser.csv")
    assert "gaussian_mixture has no mean of missing values" in error_of("impute", folder)
    assert "factor_analysis has no label of each row to predict: zoo scores" in error_of("predict", factors[0])
    assert "did you mean 'key'" in error_of("predict", folder, "--data", data, "--id", "kei")
    assert "--id is for new rows: give --data FILE" in error_of("scores", folder, "--id", "key")
    assert "gaussian_mixture has no loadings" in error_of("scores", folder, "--rotation", "varimax")
    assert "cannot write 'labels.xls'" in error_of("predict", folder, "--out", "labels.xls")
    assert "holds no fit" in error_of("predict", tmp_path)
    assert "without waiting" in error_of("predict", folder, "--data", write(geyser[["eruptions"]], tmp_path / "a.csv"))
    renamed = write(geyser.rename(columns={"key": "z"}), tmp_path / "z.csv")
    assert "rename it in the data" in error_of("predict", folder, "--data", renamed, "--id", "z")
    np.save(tmp_path / "x.npy", geyser[["eruptions", "waiting"]].to_numpy())
    assert "--id chooses from a table" in error_of("predict", folder, "--data", tmp_path / "x.npy", "--id", "key")

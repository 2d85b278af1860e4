"""Data sets: what they hold, and that a fetched one is checked, kept and never fetched twice."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import ZooError, datasets
from zoo.datasets.sources import Fetched, cache
from zoo.tables import as_numbers, check_values

FETCHED = [n for n in datasets.names() if isinstance(datasets.about(n).source, Fetched)]
HERE = [n for n in datasets.names() if n not in FETCHED]


@pytest.fixture
def no_network(monkeypatch):
    import pooch

    def refused(self, address, output, pooch_):
        raise ConnectionError("no network")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", refused)


@pytest.fixture
def serves(monkeypatch, tmp_path):
    """``serves(text)``: an empty cache folder, and any address answers with the text."""
    import pooch

    def serving(text):
        monkeypatch.setenv("ZOO_DATA", str(tmp_path / "cache"))
        monkeypatch.setattr(pooch.HTTPDownloader, "__call__", lambda self, a, output, p: Path(output).write_text(text))
        return tmp_path / "cache"

    return serving


def kept(name):
    """The data set's file, or a skip where this machine's cache lacks it."""
    path = cache() / datasets.about(name).source.file  # type: ignore[union-attr]
    if not path.exists():
        pytest.skip(f"{path.name} is not in the cache folder")
    return path


@pytest.mark.parametrize("name", HERE)
def test_tables_that_need_no_network(name, no_network):
    table = datasets.observed(name)
    assert len(table) > 100
    assert np.isfinite(table.to_numpy(float)).all()


def test_old_faithful_is_the_published_table():
    table = datasets.load("faithful")
    assert list(table.columns) == ["eruptions", "waiting"]
    assert table.shape == (272, 2)
    # sums of the published columns, in minutes
    assert table["eruptions"].sum() == pytest.approx(948.677)
    assert table["waiting"].sum() == 19284


@pytest.mark.parametrize("name", FETCHED)
def test_a_kept_file_is_read_without_network(name, no_network):
    kept(name)
    table = datasets.observed(name)
    assert len(table) > 80
    assert list(table.columns) == list(datasets.about(name).columns or table.columns)


@pytest.mark.parametrize("name", FETCHED)
def test_neither_kept_nor_fetched_says_where_to_put_it(name, no_network, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    with pytest.raises(ZooError, match="could not be fetched: put ") as error:
        datasets.load(name)
    assert str(tmp_path / datasets.about(name).source.file) in str(error.value)  # type: ignore[union-attr]
    assert "\n" not in str(error.value)


def test_a_fetched_file_is_kept(serves):
    text = kept("galaxies").read_text()
    folder = serves(text)
    first = datasets.load("galaxies")
    assert (folder / "tables" / "galaxies.csv").read_text() == text
    serves("never asked for again")
    assert datasets.load("galaxies").equals(first)


def test_a_page_is_made_into_the_table(serves):
    kept("earthquakes")
    counts = datasets.load("earthquakes")["count"].tolist()
    folder = serves(f"import numpy as np\nearthquakes = np.array([\n    {', '.join(map(str, counts))}])\n")
    assert datasets.load("earthquakes")["count"].tolist() == counts
    assert (folder / "tables" / "earthquakes.csv").exists()


@pytest.mark.parametrize(("name", "text"), [("galaxies", "rownames,dat\n1,2\n"), ("earthquakes", "404")])
def test_a_wrong_file_is_refused_and_not_kept(serves, name, text):
    folder = serves(text)
    with pytest.raises(ZooError, match="is another file now"):
        datasets.load(name)
    assert not list((folder / "tables").iterdir())


def test_a_damaged_file_is_not_used(no_network, monkeypatch, tmp_path):
    (tmp_path / "tables").mkdir()
    shutil.copy(kept("galaxies"), tmp_path / "tables")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    path = tmp_path / "tables" / "galaxies.csv"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("9172", "9173"))
    with pytest.raises(ZooError, match=r"galaxies\.csv"):
        datasets.load("galaxies")


def test_the_misprint_among_the_galaxies_is_corrected():
    kept("galaxies")
    velocity = datasets.load("galaxies")["velocity"]
    assert velocity[77] == 26.96
    assert velocity.is_monotonic_increasing


def test_agreement_keeps_unanswered_items_unanswered():
    kept("bfi")
    answers, agree = datasets.observed("bfi"), datasets.observed("bfi_agree")
    assert (answers.isna() == agree.isna()).all(axis=None)
    assert set(np.unique(agree.to_numpy()[agree.notna().to_numpy()])) == {0.0, 1.0}
    assert ((answers >= 4) == (agree == 1)).all(axis=None)


@pytest.mark.parametrize("name", zoo.names())
def test_every_model_can_be_shown(name):
    card = zoo.card(name)
    if card.shown_on in FETCHED:
        kept(card.shown_on)
    table = datasets.shown_on(card)
    (site,) = card.observed
    check_values(site, as_numbers(site, table), card.sites()[site], missing=site in card.missing)


def test_unknown_name():
    with pytest.raises(ZooError, match="did you mean 'faithful'"):
        datasets.load("faithfull")

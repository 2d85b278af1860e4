"""Data sets: their content, and that a fetched file is checked, stored and fetched once."""

import gzip
import io
import shutil
import tarfile
import tracemalloc
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import zoo
from tests import table as table_of
from zoo import ZooError, datasets
from zoo.cli import app
from zoo.data.datasets.documents import CorpusFiles, extract_member
from zoo.data.datasets.images import Mnist, partly_labelled, read_idx
from zoo.data.datasets.sources import RemoteFile, cache_folder
from zoo.data.datasets.sprites import Sprites
from zoo.data.intensities import Intensities
from zoo.data.tables import as_table, check_any_observed, check_values

SPRITES = [n for n in datasets.names() if isinstance(datasets.about(n).source, Sprites)]
IMAGES = [n for n in datasets.names() if datasets.about(n).form and n not in SPRITES]
CORPORA = [n for n in datasets.names() if isinstance(datasets.about(n).source, CorpusFiles)]
FETCHED = [n for n in datasets.names() if isinstance(datasets.about(n).source, RemoteFile)]
HERE = [n for n in datasets.names() if n not in [*FETCHED, *IMAGES, *CORPORA, *SPRITES]]


@pytest.fixture
def no_network(monkeypatch):
    import pooch

    def refused(self, address, output, pooch_):
        raise ConnectionError("no network")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", refused)


@pytest.fixture
def serve_text(monkeypatch, tmp_path):
    """A function ``serve_text(text)``: an empty cache folder, and every address returns the text."""
    import pooch

    def serve(text):
        monkeypatch.setenv("ZOO_DATA", str(tmp_path / "cache"))
        monkeypatch.setattr(pooch.HTTPDownloader, "__call__", lambda self, a, output, p: Path(output).write_text(text))
        return tmp_path / "cache"

    return serve


def cached_file(name):
    """The file of a data set in the cache folder; skips the test where absent."""
    path = cache_folder() / datasets.about(name).source.file  # type: ignore[union-attr]
    if not path.exists():
        pytest.skip(f"{path.name} is not in the cache folder")
    return path


@pytest.mark.parametrize("name", HERE)
def test_tables_that_are_installed_need_no_network(name, no_network):
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
def test_a_cached_file_is_read_without_network(name, no_network):
    cached_file(name)
    table = datasets.observed(name)
    assert len(table) > 80
    assert list(table.columns) == list(datasets.about(name).columns or table.columns)


@pytest.mark.parametrize("name", FETCHED)
def test_a_file_that_cannot_be_fetched_raises_with_its_path(name, no_network, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    with pytest.raises(ZooError, match="could not be fetched: put ") as error:
        datasets.load(name)
    assert str(tmp_path / datasets.about(name).source.file) in str(error.value)  # type: ignore[union-attr]
    assert "\n" not in str(error.value)


def test_a_fetched_file_is_cached(serve_text):
    text = cached_file("galaxies").read_text()
    folder = serve_text(text)
    first = datasets.load("galaxies")
    assert (folder / "tables" / "galaxies.csv").read_text() == text
    serve_text("never requested")
    assert datasets.load("galaxies").equals(first)


def test_a_python_page_is_converted_to_a_table(serve_text):
    cached_file("earthquakes")
    counts = datasets.load("earthquakes")["count"].tolist()
    folder = serve_text(f"import numpy as np\nearthquakes = np.array([\n    {', '.join(map(str, counts))}])\n")
    assert datasets.load("earthquakes")["count"].tolist() == counts
    assert (folder / "tables" / "earthquakes.csv").exists()


@pytest.mark.parametrize(("name", "text"), [("galaxies", "rownames,dat\n1,2\n"), ("earthquakes", "404")])
def test_a_wrong_file_raises_and_is_not_cached(serve_text, name, text):
    folder = serve_text(text)
    with pytest.raises(ZooError, match="is another file now"):
        datasets.load(name)
    assert not list((folder / "tables").iterdir())


def test_a_damaged_file_is_not_used(no_network, monkeypatch, tmp_path):
    (tmp_path / "tables").mkdir()
    shutil.copy(cached_file("galaxies"), tmp_path / "tables")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    path = tmp_path / "tables" / "galaxies.csv"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("9172", "9173"))
    with pytest.raises(ZooError, match=r"galaxies\.csv"):
        datasets.load("galaxies")


def test_the_misprint_among_the_galaxies_is_corrected():
    cached_file("galaxies")
    velocity = datasets.load("galaxies")["velocity"]
    assert velocity[77] == 26.96
    assert velocity.is_monotonic_increasing


def test_unanswered_items_stay_missing():
    cached_file("bfi")
    answers, agree = datasets.observed("bfi"), datasets.observed("bfi_agree")
    assert (answers.isna() == agree.isna()).all(axis=None)
    assert set(np.unique(agree.to_numpy()[agree.notna().to_numpy()])) == {0.0, 1.0}
    assert ((answers >= 4) == (agree == 1)).all(axis=None)


@pytest.mark.parametrize("name", zoo.names())
def test_every_card_names_a_valid_data_set(name):
    card = zoo.card(name)
    table_of.load_or_skip(card.shown_on)
    table = as_table(datasets.shown_on(card), {n: card.sites()[n] for n in card.observed})
    for site, values in table.items():
        check_values(site, values, card.sites()[site], missing=site in card.missing)
    check_any_observed(table)


def test_an_unknown_name_raises():
    with pytest.raises(ZooError, match="did you mean 'faithful'"):
        datasets.load("faithfull")


# images of digits


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("name", IMAGES)
def test_images_have_the_form_of_their_name(name, part):
    table_of.load_or_skip(name)
    given, grey = datasets.observed(name, part), datasets.load(name, part)
    classes = datasets.labels(name, part)
    full = datasets.about(name).source.levels  # type: ignore[union-attr]
    assert grey.dtype == np.uint8
    assert (grey.min(), grey.max()) == (0, full)
    assert grey.shape == (len(classes), {"digits": 64, "mnist": 784}[name.split("_")[0]])
    assert set(classes) == set(range(10))
    match name.partition("_")[2]:
        case "static":
            assert given.dtype == np.uint8
            assert given.shape == grey.shape
            # rows are drawn in order, so that the first do not depend on the others
            np.testing.assert_array_equal(given[:500], Intensities(grey[:500], full).binarise(seed=0))
        case "grey":
            np.testing.assert_array_equal(given, grey)
        case "labelled":
            np.testing.assert_array_equal(given["x"].raw, grey)
            seen = np.isfinite(given["label"])
            assert (given["label"][seen] == classes[seen]).all()
            assert np.bincount(classes[seen], minlength=10).tolist() == [10 if part == "train" else 0] * 10
        case _:
            np.testing.assert_array_equal(given.raw, grey)
            assert given.levels == full


def test_the_parts_of_digits_make_the_whole():
    whole = datasets.observed("digits")
    parts = [datasets.observed("digits", part) for part in ("train", "test")]
    assert [len(part) for part in parts] == [1500, 297]
    assert sorted([*parts[0].index, *parts[1].index]) == list(range(1797))
    for part, name in zip(parts, ("train", "test"), strict=True):
        np.testing.assert_array_equal(part, whole.loc[part.index])
        np.testing.assert_array_equal(part, datasets.load("digits_dynamic", name))
        np.testing.assert_array_equal(datasets.labels("digits")[part.index], datasets.labels("digits_static", name))


def test_labels_of_tables():
    assert np.bincount(datasets.labels("iris")).tolist() == [50, 50, 50]
    assert np.bincount(datasets.labels("wine")).tolist() == [59, 71, 48]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: datasets.observed("iris", part="test"), "iris comes whole: leave part out; in parts come digits, "),
        (lambda: datasets.labels("iris", part="test"), "iris comes whole"),
        (lambda: datasets.labels("faithful"), "faithful has no labels; these have: adult, breast_cancer, "),
        (lambda: datasets.observed("mnist", part="tests"), "no part 'tests'; did you mean 'test'?"),
        (lambda: datasets.observed("digits", part=""), "no part ''; known: train, test"),
        (lambda: datasets.labels("mnis"), "did you mean 'mnist'"),
    ],
)
def test_unknown_parts_and_labels_raise(call, words):
    with pytest.raises(ZooError) as error:
        call()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_mnist_equals_the_published_data():
    table_of.load_or_skip("mnist")
    assert datasets.load("mnist").shape == (60000, 784)
    assert datasets.load("mnist", "test").shape == (10000, 784)
    assert datasets.labels("mnist")[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert datasets.labels("mnist", "test")[:5].tolist() == [7, 2, 1, 0, 4]
    assert datasets.load("mnist").mean() / 255 == pytest.approx(0.1307, abs=5e-5)  # the mean everybody subtracts


def test_mnist_stays_in_bytes_from_file_to_model():
    table_of.load_or_skip("mnist")
    size = 60000 * 784
    tracemalloc.start()
    try:
        zoo.load("vae", Z=2).bind(datasets.observed("mnist"), seed=None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * size  # the bytes as they are decompressed, twice at most; floats alone would be eight


def test_mnist_that_cannot_be_fetched_raises(no_network, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    with pytest.raises(
        ZooError, match=r"could not be fetched: put train-images-idx3-ubyte\.gz \(sha256 440fcabf"
    ) as error:
        datasets.observed("mnist")
    assert str(tmp_path / "mnist" / "train-images-idx3-ubyte.gz") in str(error.value)


def test_a_wrong_mnist_file_raises(serve_text):
    folder = serve_text("<html>moved</html>")
    with pytest.raises(ZooError, match="is another file now: put train-images"):
        datasets.observed("mnist_static")
    assert not list((folder / "mnist").iterdir())


def idx(values):
    """The bytes of an idx file."""
    sizes = np.array(values.shape, ">u4").tobytes()
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


TWO = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@given(shape=st.tuples(*[st.integers(0, 4)] * 3))
def test_idx_files_round_trip(shape, tmp_path_factory):
    values = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path_factory.mktemp("idx") / "x.gz"
    path.write_bytes(gzip.compress(idx(values)))
    np.testing.assert_array_equal(read_idx(path, dims=3), values)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an idx file"),
        (b"not gzipped", "cannot be read"),
        (gzip.compress(idx(TWO))[:-9], "cannot be read"),
        (gzip.compress(idx(TWO))[:12] + b"\xff" * 20, "cannot be read"),
        (gzip.compress(b"")[:-1], "cannot be read"),
        (gzip.compress(b"\0\0"), "is not an idx file of bytes with 3 dimensions"),
        (gzip.compress(b"<html>" * 9), "is not an idx file"),
        (gzip.compress(idx(TWO)[:10]), "is not an idx file"),
        (gzip.compress(idx(TWO[0])), "is not an idx file of bytes with 3 dimensions"),
        (gzip.compress(b"\0\0\x0d\3" + idx(TWO)[4:]), "is not an idx file of bytes"),  # of floats
        (gzip.compress(idx(TWO)[:-1]), "has 39 bytes where its header says 40"),
        (gzip.compress(idx(TWO) + b"\0"), "has 41 bytes where its header says 40"),
        (gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12), "has 16 bytes where its header says 792281"),
    ],
    ids=range(13),  # the bytes hold the time
)
def test_other_files_than_idx_raise(content, words, tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(ZooError) as error:
        read_idx(path, dims=3)
    assert words in str(error.value)
    assert "fetch it again" in str(error.value)
    assert "\n" not in str(error.value)


def test_fetched_images_are_cached_and_read(monkeypatch, tmp_path):
    """A small MNIST from a simulated server."""
    import hashlib

    import pooch

    rng = np.random.default_rng(0)
    images, classes = rng.integers(0, 256, (300, 2, 2), dtype=np.uint8), np.repeat(np.arange(10, dtype=np.uint8), 30)
    files = {name: gzip.compress(idx(values), mtime=0) for name, values in [("i.gz", images), ("l.gz", classes)]}
    requests = []

    def serve(self, address, output, pooch_):
        requests.append(address)
        Path(output).write_bytes(files[address.removeprefix("https://example.org/")])

    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", serve)
    named = tuple((name, hashlib.sha256(content).hexdigest()) for name, content in files.items())
    small = Mnist(named * 2, "https://example.org/")
    for part in ("train", "test"):
        given = partly_labelled(small, part)
        np.testing.assert_array_equal(given["x"].raw, images.reshape(300, 4))
        assert np.isfinite(given["label"]).sum() == (100 if part == "train" else 0)
    assert requests == ["https://example.org/l.gz", "https://example.org/i.gz"]
    assert (tmp_path / "mnist" / "i.gz").read_bytes() == files["i.gz"]


def test_the_command_fits_to_images():
    words = ["fit", "latent_class", "--data", "digits_dynamic", "--set", "K=2", "--option", "max_iter=2"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "1500 rows" in result.output


def test_the_command_refuses_columns_of_images():
    result = CliRunner().invoke(app, ["fit", "latent_class", "--data", "digits_static", "--columns", "a"])
    assert result.exit_code == 2
    assert "digits_static has none" in " ".join(result.output.split())


# corpora


@pytest.mark.parametrize("name", CORPORA)
def test_a_corpus_that_cannot_be_fetched_raises(name, no_network, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    counts: RemoteFile = datasets.about(name).source.counts  # type: ignore[union-attr]
    with pytest.raises(ZooError, match=f"could not be fetched: put .* .sha256 {counts.sha256[:12]}") as error:
        datasets.observed(name)
    assert str(tmp_path / counts.file) in str(error.value)


@pytest.mark.parametrize("name", CORPORA)
def test_a_wrong_corpus_file_raises(name, serve_text):
    folder = serve_text("<html>moved</html>")
    with pytest.raises(ZooError, match="is another file now: put "):
        datasets.observed(name)
    assert not list((folder / name).iterdir())


def packed(**files):
    """A compressed archive with these files in a folder."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            about = tarfile.TarInfo(f"./ap/{name}")
            about.size = len(text)
            archive.addfile(about, io.BytesIO(text))
    return content.getvalue()


def test_a_corpus_is_extracted_from_its_archive(monkeypatch, tmp_path):
    """A small corpus from a simulated server."""
    import pooch

    files = {"x.dat": b"2 0:1 2:3\n0\n", "words": b"a\nb\nc\n", "titles": b"0 The first\n1 The second\n"}
    archive, requests = packed(**files), []

    def serve(self, address, output, pooch_):
        requests.append(address)
        Path(output).write_bytes(archive)

    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", serve)
    made = {
        n: RemoteFile(f"x/{n}", "https://example.org/x.tgz", sha256(v).hexdigest(), extract_member(n))
        for n, v in files.items()
    }
    source = CorpusFiles(*made.values())
    for _ in range(2):
        np.testing.assert_array_equal(source.table().dense(), [[1, 0, 3], [0, 0, 0]])
        assert source.table().vocabulary == ("a", "b", "c")
        assert source.titles() == ["The first", "The second"]
    assert len(requests) == 3  # a file each, once
    assert {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()} == files


# names, as an archive holds the time at which it was made: each worker would have another test
@pytest.mark.parametrize(
    "content",
    [b"", b"nothing", packed(other=b"x"), packed(words=b"x" * 1000)[:-40]],
    ids=["empty", "no archive", "other member", "cut off"],
)
def test_other_archives_raise(content):
    with pytest.raises(ValueError, match="archive"):
        extract_member("words")(content)

"""The catalogue of data sets: title, citation and source of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from zoo.data.datasets.census import COLUMNS, CensusFile
from zoo.data.datasets.documents import CorpusFiles, extract_member
from zoo.data.datasets.images import Digits, Mnist, binary_pixels, grey_bytes, intensities, partly_labelled
from zoo.data.datasets.sources import (
    PackageTable,
    RemoteFile,
    SklearnTable,
    convert_text,
    earthquake_counts,
    nine_tests,
)
from zoo.data.datasets.sprites import Sprites, partly_labelled_shapes
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd

Source: TypeAlias = PackageTable | SklearnTable | RemoteFile | Mnist | CorpusFiles | Sprites


@dataclass(frozen=True)
class Dataset:
    """A data set of the catalogue.

    Attributes
    ----------
    title, citation : str
        A title for people, and the publication.
    source : object
        Where the data comes from: it has ``table()``; images of digits have ``grey(part)`` and ``labels(part)``, and
        sprites ``grey()`` and ``factors()``.
    columns : tuple of str
        The columns that a model takes; all of them by default.
    view : callable, optional
        Makes the published table from that of the source.
    form : callable, optional
        For images in parts and sprites, ``form(source, part)`` gives them in the form that a model takes.
    label : str, optional
        The column of a table that holds the class of each row.
    """

    title: str
    citation: str
    source: Source
    columns: tuple[str, ...] = ()
    view: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    form: Callable[[Any, str], DataLike] | None = None
    label: str = ""


def image_forms(dataset: Dataset) -> dict[str, Dataset]:
    """A set of images in each form but the grey one, by the ending of its name."""
    forms = {
        "static": (binary_pixels, "as zeros and ones: each pixel drawn once by its grey value"),
        "dynamic": (intensities, "as probabilities, from which pixels are drawn at each step"),
        "labelled": (partly_labelled, "as probabilities, 100 of the training images with their digit"),
    }
    title, citation, source = dataset.title, dataset.citation, dataset.source
    return {n: Dataset(f"{title}, {text}", citation, source, form=form) for n, (form, text) in forms.items()}


def correct_misprint(galaxies: pd.DataFrame) -> pd.DataFrame:
    """Velocities in 1000 km/s; the 78th, misprinted as 26690 in the file, as Postman et al. measured it: 26960."""
    velocity = galaxies["dat"].replace(26690, 26960)
    return (velocity / 1000).to_frame("velocity")


def agreement(bfi: pd.DataFrame) -> pd.DataFrame:
    """1 where a person agrees with the item (answers 4 to 6 of 6), 0 where not, NaN where unanswered."""
    answers = bfi[list(BFI_ITEMS)]
    return (answers > 3).astype(float).where(answers.notna())


R_TABLES = (
    "https://raw.githubusercontent.com/vincentarelbundock/Rdatasets/1dcc2bf5f955cc1224a3e1307256e1fe86b68dae/csv/"
)
LDA_C = "https://raw.githubusercontent.com/blei-lab/lda-c/0c46575e89092683010db077f713f8aa3b3594a2/example/ap.tgz"
LDA = "https://raw.githubusercontent.com/lda-project/lda/016037863acf08cfdaa29534c7b496be79762bd0/lda/tests/"
BFI_ITEMS = tuple(f"{trait}{item}" for trait in "ACENO" for item in range(1, 6))
BFI = Dataset(
    "Twenty-five personality items, answered 1 (very inaccurate) to 6 (very accurate) by 2800 people",
    "Revelle, W., Wilt, J. and Rosenthal, A. (2010). Individual differences in cognition: new methods for examining "
    "the personality-cognition link. In Handbook of Individual Differences in Cognition, Springer, 27-49.",
    RemoteFile(
        "tables/bfi.csv",
        R_TABLES + "psych/bfi.csv",
        "68ae71a96c2157b0c49b8d8f8ccaee1292f5e92adce9a3f202fdc7efac883dc9",
    ),
    BFI_ITEMS,
)
DIGITS = Dataset(
    "1797 handwritten digits of 8 by 8 pixels, ink from 0 to 16",
    "Alpaydin, E. and Kaynak, C. (1998). Optical recognition of handwritten digits. UCI Machine Learning Repository.",
    Digits("load_digits"),
)
MNIST = Dataset(
    "70000 handwritten digits of 28 by 28 pixels, ink from 0 to 255",
    "LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998). Gradient-based learning applied to document "
    "recognition. Proceedings of the IEEE 86, 2278-2324.",
    Mnist(
        (
            ("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            ("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            ("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            ("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    form=grey_bytes,
)
AP = CorpusFiles(
    RemoteFile(
        "ap/ap.dat",
        LDA_C,
        "c9b946b6cdb2c6e876198ae227afb573df023db84fb53a9d2b31c0d59224fea1",
        extract_member("ap.dat"),
    ),
    RemoteFile(
        "ap/vocab.txt",
        LDA_C,
        "fbf0d0f836cb2b0360bd3cae0f71c2f34b140b1dd8dd0d0bdb618a64704337f6",
        extract_member("vocab.txt"),
    ),
)
REUTERS = CorpusFiles(
    RemoteFile(
        "reuters/reuters.ldac",
        LDA + "reuters.ldac",
        "4bfe5b21ed263334ddf7af56f7b38632f6ccae7d9441c8b56071167841e71b5e",
    ),
    RemoteFile(
        "reuters/reuters.tokens",
        LDA + "reuters.tokens",
        "8fc788b258bb76f9e352885cc20971d64e0011b8d74781129d060818930e3d5a",
    ),
    RemoteFile(
        "reuters/reuters.titles",
        LDA + "reuters.titles",
        "fac5f54e85f07852d0edaede84642806b08e3c437e24597f79aae0aa82d5d7ee",
    ),
)
SPRITES = Dataset(
    "Images of a square, an ellipse or a heart at each of 4 scales and 16 by 16 positions, made by this package "
    "(dSprites-like, it is not dSprites)",
    "After Matthey, L., Higgins, I., Hassabis, D. and Lerchner, A. (2017). dSprites: disentanglement testing "
    "sprites dataset. https://github.com/deepmind/dsprites-dataset",
    Sprites(),
)

CATALOGUE = {
    "ap": Dataset(
        "2246 articles of the Associated Press: how often each of 10473 words occurs",
        "Harman, D. (1992). Overview of the first text retrieval conference (TREC-1). In Proceedings of the First Text "
        "Retrieval Conference, NIST, 1-20. A sample that comes with the program lda-c of Blei, D. M., Ng, A. Y. and "
        "Jordan, M. I. (2003). Latent Dirichlet allocation. Journal of Machine Learning Research 3, 993-1022.",
        AP,
    ),
    "reuters": Dataset(
        "395 articles of Reuters, nearly all from August 1996 to August 1997: how often each of 4258 words occurs",
        "Riddell, A. lda: topic modeling with latent Dirichlet allocation. The sample that comes with this package for "
        "Python.",
        REUTERS,
    ),
    "adult": Dataset(
        "Age, education, work, family and income of 32561 people in the US census of 1994 (Census income)",
        "Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository, CC BY 4.0. "
        "https://doi.org/10.24432/C5XW20",
        CensusFile(
            "adult/adult.data.gz",
            "https://archive.ics.uci.edu/static/public/2/adult.zip",
            "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
        ),
        # fnlwgt is the number of people whom a row stands for
        tuple(name for name in COLUMNS if name not in ("fnlwgt", "income")),
        label="income",
    ),
    "sprites": SPRITES,
    "sprites_labelled": replace(
        SPRITES, title=f"{SPRITES.title}, as probabilities, 1% of them with their shape", form=partly_labelled_shapes
    ),
    "faithful": Dataset(
        "Old Faithful: minutes that 272 eruptions lasted, and minutes waited until the next",
        "Azzalini, A. and Bowman, A. W. (1990). A look at some data on the Old Faithful geyser. Applied Statistics "
        "39, 357-365.",
        PackageTable("faithful.csv"),
    ),
    "bfi": BFI,
    "bfi_agree": Dataset(
        "The same answers as agreement (1) or disagreement (0)", BFI.citation, BFI.source, BFI_ITEMS, agreement
    ),
    "earthquakes": Dataset(
        "Earthquakes of magnitude 7 or more in the world, each year from 1900 to 2006",
        "Zucchini, W. and MacDonald, I. L. (2009). Hidden Markov Models for Time Series. Chapman and Hall, table 1.1.",
        RemoteFile(
            "tables/earthquakes.csv",
            "https://raw.githubusercontent.com/hmmlearn/hmmlearn/e01a10e99df1042e4c1e6b7c822fd292dd37502f/"
            "examples/plot_poisson_hmm.py",
            "4c4b1d822fd6e568f2a40c3f0dd81e889e0179b2bded049b52960609d792a4df",
            convert_text(earthquake_counts),
        ),
        ("count",),
    ),
    "galaxies": Dataset(
        "Velocities of 82 galaxies in six conic sections of the Corona Borealis region, in 1000 km/s",
        "Roeder, K. (1990). Density estimation with confidence sets exemplified by superclusters and voids in the "
        "galaxies. Journal of the American Statistical Association 85, 617-624.",
        RemoteFile(
            "tables/galaxies.csv",
            R_TABLES + "MASS/galaxies.csv",
            "5c094d8beb8ecc980493de62e9fd4d2cf7f891b07aed6b1c55a5b42879f498d0",
        ),
        view=correct_misprint,
    ),
    "holzinger_swineford_1939": Dataset(
        "Nine tests of ability, taken by 301 pupils of two schools: visual (x1-x3), textual (x4-x6) and speed (x7-x9)",
        "Holzinger, K. J. and Swineford, F. (1939). A Study in Factor Analysis: The Stability of a Bi-Factor Solution. "
        "Supplementary Educational Monographs 48, University of Chicago.",
        RemoteFile(
            "tables/holzinger_swineford_1939.csv",
            "https://raw.githubusercontent.com/cddesja/epsy8266/67e5cde8f0f24b0ca5c50adf54d26104c5398a06/"
            "course_materials/data/HolzingerSwineford1939.csv",
            "449e4dd8675097e631393d0cb9c3ab379218254df2744c70789d209774f656f6",
            convert_text(nine_tests),
        ),
        tuple(f"x{test}" for test in range(1, 10)),
    ),
    "penguins": Dataset(
        "Bills and flippers (mm) and body mass (g) of 344 penguins of three species, two of which nobody measured",
        "Gorman, K. B., Williams, T. D. and Fraser, W. R. (2014). Ecological sexual dimorphism and environmental "
        "variability within a community of Antarctic penguins (genus Pygoscelis). PLoS ONE 9, e90081.",
        RemoteFile(
            "tables/penguins.csv",
            R_TABLES + "palmerpenguins/penguins.csv",
            "3c4c14fd9d1b3466dff2e046627cc32814ab6226c0e228c55f24e896a93a89b1",
        ),
        ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"),
    ),
    "iris": Dataset(
        "Sepals and petals of 150 irises of three species, in cm",
        "Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems. Annals of Eugenics 7, 179-188.",
        SklearnTable("load_iris"),
    ),
    "wine": Dataset(
        "Thirteen chemical measurements of 178 wines from three cultivars",
        "Aeberhard, S., Coomans, D. and de Vel, O. (1994). Comparative analysis of statistical pattern recognition "
        "methods in high dimensional settings. Pattern Recognition 27, 1065-1077.",
        SklearnTable("load_wine"),
    ),
    "digits": DIGITS,
    **{f"digits_{form}": dataset for form, dataset in image_forms(DIGITS).items()},
    "mnist_grey": MNIST,
    **{f"mnist_{form}".removesuffix("_dynamic"): dataset for form, dataset in image_forms(MNIST).items()},
    "breast_cancer": Dataset(
        "Thirty measurements of cell nuclei in 569 breast tumours",
        "Street, W. N., Wolberg, W. H. and Mangasarian, O. L. (1993). Nuclear feature extraction for breast tumor "
        "diagnosis. SPIE 1905, 861-870.",
        SklearnTable("load_breast_cancer"),
    ),
}

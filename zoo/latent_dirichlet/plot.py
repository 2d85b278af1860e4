import numpy as np

MOST, WORDS, LONGEST = 12, 7, 16  # topics, words of each and letters of a word that can still be read
COLUMNS = 4


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The first words of each topic, as bars on one scale."""
    phi, vocabulary = params["phi"], data["w"].vocabulary
    num_shown = min(len(phi), MOST)
    order = np.argsort(-phi[:num_shown], axis=1, kind="stable")[:, :WORDS]
    across = min(COLUMNS, num_shown)
    down = -(-num_shown // across)
    limit = np.take_along_axis(phi[:num_shown], order, 1).max()
    axes.set_axis_off()
    for k in range(num_shown):
        words = [vocabulary[v] if vocabulary else f"w{v}" for v in order[k]]
        left, bottom = (k % across) / across + 0.09, 1 - (k // across + 1) / down
        pane = axes.inset_axes((left, bottom, 0.9 / across - 0.09, 1 / down - 0.07))
        word_bars(pane, words, phi[k, order[k]], f"C{k % 9}", limit)
        pane.set_title(f"topic {k}", loc="left", fontsize=9)
        pane.tick_params(labelbottom=k + across >= num_shown)
    if num_shown < len(phi):
        axes.set_title(f"{num_shown} of {len(phi)} topics", loc="right", fontsize=9)


def word_bars(axes, words, weights, colour, limit, interval=None):
    """Words and their probabilities, the first on top; interval: (2, words), the ends of a line on each bar."""
    at = np.arange(len(words))
    axes.barh(at, weights, color=colour, height=0.75)
    if interval is not None:
        axes.hlines(at, *interval, color="0.25", linewidth=1)
    axes.set_yticks(at, labels=[printable_word(word) for word in words])
    axes.set(xlim=(0, 1.05 * limit), ylim=(len(words) - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.tick_params(labelsize=8)
    axes.locator_params(axis="x", nbins=3)
    axes.spines[["top", "right"]].set_visible(False)


def printable_word(word, longest=LONGEST):
    r"""A word for a figure: short, on one line, with dollar signs escaped.

    >>> printable_word("incomprehensibilities"), printable_word("a$b"), printable_word("two\nlines")
    ('incomprehensibi…', 'a\\$b', 'two�lines')
    """
    printable = "".join(letter if letter.isprintable() else "\ufffd" for letter in word)
    short = printable if len(printable) <= longest else printable[: longest - 1] + "…"
    return short.replace("$", r"\$")

import numpy as np


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    squares = np.sort(np.square(params["W"]).sum(0))[::-1]
    at = np.arange(len(squares))
    axes.bar(at, squares, color="C0", width=0.6, label="squared length of each column of W")
    axes.axhline(params["sigma2"], color="C1", linestyle="--", label="sigma2: the noise along any direction")
    axes.set_xticks(at)
    axes.set(xlabel="direction, longest first", ylabel="variance")
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(squares.min() / 2, params["sigma2"] * 1e-4))
    axes.legend()

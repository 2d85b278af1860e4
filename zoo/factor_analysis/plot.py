import numpy as np

MOST = 40  # columns of the data that can still be read


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    W, shared = params["W"], np.square(params["W"]).sum(-1)
    variance = shared + params["Psi"]
    loadings(axes, W / np.sqrt(variance)[:, None], shared / variance, columns)


def loadings(axes, W, communality, columns=None):
    """Loadings W (D, Z) in standard deviations of the columns, and how much of each column they explain."""
    order = np.argsort(-communality)[:MOST] if len(W) > MOST else np.arange(len(W))
    names = [columns[d] if columns else f"x[{d}]" for d in order]
    table = np.column_stack([W[order], communality[order]])
    image = axes.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    is_small = table.size <= 150
    for d, j in np.ndindex(table.shape if is_small else (0, 0)):
        axes.text(
            j, d, f"{table[d, j]:.2f}", ha="center", va="center", color="white" if abs(table[d, j]) > 0.6 else "black"
        )
    axes.set_yticks(range(len(names)), labels=names)
    factors = [f"factor {j}" if W.shape[1] <= 8 else str(j) for j in range(1, W.shape[1] + 1)]
    axes.set_xticks(range(table.shape[1]), labels=[*factors, "communality" if W.shape[1] <= 8 else "all"])
    axes.axvline(W.shape[1] - 0.5, color="black", linewidth=1)
    axes.set_title("standardised loadings")
    axes.figure.colorbar(image, ax=axes, shrink=0.8)

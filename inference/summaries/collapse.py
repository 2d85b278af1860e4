"""The KL divergence of each latent of an amortised fit, and a note where the posterior is the prior."""

from __future__ import annotations

from inference.amortised import local_latents
from inference.record import FitRecord

OPTIONS = {"warm_up": 0.5, "free_bits": 0.1}  # against a collapse, with values to begin from
MAX_NAMES = 8  # of inactive latents in a note


def latent_summary(fit: FitRecord) -> dict[str, float]:
    """Bits per dimension, free bits, and where there are several latents the KL divergence of each.

    Parameters
    ----------
    fit : FitRecord
        An amortised fit.

    Returns
    -------
    dict of str to float
        By the name of the quantity, of those that the fit has.
    """
    diagnostics, free_bits = fit.diagnostics, fit.options.get("free_bits")
    summary = {n: diagnostics[n] for n in ("bits_per_dimension",) if n in diagnostics}
    summary |= {"free_bits": float(free_bits)} if free_bits else {}
    summary |= {f"{n}_nats_per_row": v for n, v in diagnostics.get("kl_terms", {}).items()}
    kl = diagnostics.get("kl_by_latent", {})
    if len(kl) < 2:
        return summary
    by_latent = {f"kl_nats_per_row[{n}]": value for n, value in kl.items()}
    return {**summary, **by_latent, "active_latents": len(diagnostics["active_latents"])}


def collapse_note(fit: FitRecord) -> str | None:
    """One line about latents whose posterior is the prior, with what to try.

    Parameters
    ----------
    fit : FitRecord

    Returns
    -------
    str or None
        None where every latent of the rows is active, or the fit has no encoder.
    """
    active = fit.diagnostics.get("active_latents")
    if active is None:
        return None
    latents = list(local_latents(fit.model.card, fit.keywords))
    inactive = [n for n in latents if n in fit.diagnostics["kl_by_latent"] and n not in active]
    if not inactive:
        return None
    refused = ("free_bits",) if "penalty" in fit.diagnostics else ()
    unused = [f"{n}={value}" for n, value in OPTIONS.items() if not (n in refused or fit.options.get(n))]
    advice = f"try {', '.join([*unused, 'a smaller decoder'])} or more steps"
    if not active:
        subject = "the KL of every latent" if len(inactive) > 1 else f"the KL of {inactive[0]}"
        return f"collapsed: {subject} is below 0.01 nats per row, so that codes do not depend on their rows; {advice}"
    more = f" and {len(inactive) - MAX_NAMES} more" if len(inactive) > MAX_NAMES else ""
    names = ", ".join(inactive[:MAX_NAMES]) + more
    count = f"{len(inactive)} of {len(latents)} latents inactive"
    return f"{count}, with a KL below 0.01 nats per row: {names}; {advice}"

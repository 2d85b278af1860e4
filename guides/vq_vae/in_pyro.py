import torch
from pyro import factor, param, plate, sample
from pyro.distributions import Delta

from guides.vq_vae.codebook.in_pyro import k_means, moving_average, nearest
from zoo._backend.in_pyro import assign, straight_through
from zoo._networks import in_pyro as networks
from zoo._networks.grid.in_pyro import encoder
from zoo.vq_vae.in_pyro import codewords_of, initial_codebook


def guide(program, start=None):
    return amortised


def amortised(
    x,
    *,
    N,
    D,
    M,
    K,
    Z,
    network,
    likelihood,
    width,
    depth,
    loc,
    spread,
    quantiser,
    codebook_update,
    decay,
    restart_below,
    commitment,
    rotation,
    **others,
):
    encode = networks.network("encoder", *encoder(network, D, width, depth, M, Z))
    centred = (x - loc) / spread if likelihood == "gaussian" else x - torch.as_tensor(loc).sigmoid()
    outputs = encode(centred.nan_to_num()).unflatten(-1, (M, Z))
    if quantiser == "fsq":
        outputs = outputs.tanh()
    points = outputs.detach().reshape(-1, Z)
    is_learned, by_gradient = quantiser == "codebook", codebook_update == "gradient"
    initial = (lambda: k_means(points, K)[0]) if by_gradient else initial_codebook(K, Z)
    codebook = codewords_of(quantiser, K, Z, initial)
    z = nearest(outputs.detach(), codebook.detach())
    codewords = codebook[z]
    with plate("N", N):
        sample("z", Delta(z, event_dim=1))
        transported = rotate(outputs, codewords.detach()) if rotation else outputs
        straight_through("codewords", transported)
        if is_learned:
            factor("commitment", commitment * squared_distance(outputs, codewords.detach()), has_rsample=False)
        if is_learned and by_gradient:
            factor("codebook_distance", squared_distance(outputs.detach(), codewords), has_rsample=False)
    if is_learned and not by_gradient:
        count = param("codebook_count", lambda: torch.zeros(K))
        updated = moving_average(points, z.ravel(), codebook, count, decay, restart_below)
        for name, value in zip(("codebook", "codebook_count"), updated, strict=True):
            assign(name, value)


def squared_distance(a, b):
    """The squared distance of the vectors of each row, summed over its positions."""
    return (a - b).square().sum((-2, -1))


def rotate(outputs, codewords):
    """The outputs, rotated and scaled to the codewords by a map without a gradient of its own."""
    fixed, tiny = outputs.detach(), torch.finfo(outputs.dtype).tiny
    length, target = (v.norm(dim=-1, keepdim=True) for v in (fixed, codewords))
    a, b = fixed / length.clamp(min=tiny), codewords / target.clamp(min=tiny)
    middle = a + b
    middle = middle / middle.norm(dim=-1, keepdim=True).clamp(min=tiny)
    # (I - 2 m m' + 2 b a') is the rotation that takes a to b, for m half-way between them
    rotated = outputs - 2 * middle * (middle * outputs).sum(-1, keepdim=True)
    rotated = rotated + 2 * b * (a * outputs).sum(-1, keepdim=True)
    return target / length.clamp(min=tiny) * rotated

import torch

from guides.vq_vae.codebook import LLOYD_STEPS


def nearest(points, codebook):
    return (codebook.square().sum(-1) - 2 * points @ codebook.mT).argmin(-1)


@torch.no_grad()
def moving_average(points, index, codebook, count, decay, restart_below):
    if not count.any():
        centres, n = k_means(points, len(codebook))
        return centres, (1 - decay) * n  # an average of few steps forgets quickly
    n, total = sum_by_codeword(points, index, len(codebook))
    new_count = decay * count + (1 - decay) * n
    new_codebook = codebook + (1 - decay) * (total - n[:, None] * codebook) / divisor(new_count)
    return restart(points, index, new_codebook, new_count, restart_below)


def restart(points, index, codebook, count, restart_below):
    """Codewords whose count is below ``restart_below`` times the mean are replaced by points, with the mean count."""
    is_dead = count < restart_below * count.mean()
    distances = (points - codebook[index]).square().sum(-1)
    gumbel = -torch.empty_like(distances).exponential_().log()
    order = (distances.log() + gumbel).argsort(descending=True)  # the first are a draw without replacement
    chosen = points[order[torch.arange(len(codebook)) % len(points)]]
    return torch.where(is_dead[:, None], chosen, codebook), torch.where(is_dead, count.mean(), count)


def k_means(points, K):
    """Centres of the points, (K, Z), and the number of points nearest to each."""
    centres = [points[torch.randint(len(points), ())]]
    distances = (points - centres[0]).square().sum(-1)
    for _ in range(1, K):
        weights = distances if distances.max() > 0 else torch.ones_like(distances)  # where no point is left, any
        centres.append(points[weights.multinomial(1)[0]])
        distances = torch.minimum(distances, (points - centres[-1]).square().sum(-1))
    centres = torch.stack(centres)
    for _ in range(LLOYD_STEPS):
        n, total = sum_by_codeword(points, nearest(points, centres), K)
        centres = torch.where(n[:, None] > 0, total / divisor(n), centres)
    return centres, sum_by_codeword(points, nearest(points, centres), K)[0]


def sum_by_codeword(points, index, K):
    """The number of points of each codeword, (K,), and their sum, (K, Z)."""
    n = points.new_zeros(K).index_add(0, index, points.new_ones(len(points)))
    return n, points.new_zeros(K, points.shape[-1]).index_add(0, index, points)


def divisor(count):
    return count.clamp(min=torch.finfo(count.dtype).tiny)[:, None]

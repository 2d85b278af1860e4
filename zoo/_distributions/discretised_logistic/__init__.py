"""A logistic distribution discretised to the bins 0, ..., levels - 1, the outer two of which hold the tails.

Each ``in_<backend>.py`` provides ``DiscretisedLogistic(loc, scale, levels)``, with

    P(x = k) = F(k + 1/2) - F(k - 1/2),   F(t) = sigmoid((t - loc) / scale),

but F(1/2) for k = 0 and 1 - F(levels - 3/2) for the last, so that the probabilities sum to one (Salimans et al. 2017).
As sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), and a - b = 1 / scale, no difference of two
nearly equal numbers is computed. Beyond the levels the density is 0. With one level it is 1 at 0.
"""

"""The posterior of discrete sites from a graph of factors, and draws from it.

Each ``in_<backend>.py`` provides

    posterior_of(graph, weights)        the posterior of each factor's values, and log p
    certain_of(labels, v)               the log density of a site with given labels
    draw_label(graph, v, ...)           one draw of a site from its posterior
    draw_paths(graph, group, ...)       one draw of chains together
    values_last(joint, v, variables)    p(v | x) with its plates first, and its values last
    values_along(array, v)              the inverse: the values along the dimension of the site
"""

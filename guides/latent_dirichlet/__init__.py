"""An encoder for ``latent_dirichlet``: theta by a network that reads the bag of words, phi by a Dirichlet for each.

Of each document theta is logistic normal, mean and log scale of its log-odds the two halves of the output of an MLP on
log(1 + count) (Srivastava and Sutton 2017); of each topic phi is Dirichlet, with parameters of its own, the family that
its posterior given z is of. One network serves all documents, new ones too. What it cannot express: dependence of theta
on phi, and between topics; nor what the network cannot make of a bag (the amortisation gap). ``mean_field`` has
parameters for each document in its place. Where it begins is not for ``start`` to say.
"""

WIDTHS = (100, 100)  # of the network's layers
OPTIONS = {"learning_rate": 0.01, "num_steps": 1500, "warm_up": 0.5}  # topics that die while the KL is whole stay dead

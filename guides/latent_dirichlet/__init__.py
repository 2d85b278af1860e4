"""An encoder for ``latent_dirichlet``: theta by a network that reads the bag of words, phi by normal log-odds.

Of each document theta is logistic normal, mean and log scale of its log-odds the two halves of the output of an MLP on
log(1 + count) (Srivastava and Sutton 2017); of each topic phi is logistic normal, with parameters of its own. One
network serves all documents, new ones too. What it cannot express: dependence of theta on phi, and between words or
topics beyond what summing to one asks for; nor what the network cannot make of a bag (the amortisation gap).
``mean_field`` has parameters for each document in its place. Where it begins is not for ``start`` to say.
"""

WIDTHS = (100, 100)  # of the network's layers

"""An encoder for ``latent_dirichlet``: theta by a network that reads the bag of words, a Dirichlet for each phi.

The theta of a document is logistic normal; the mean and log scale of its log-odds are the two halves of the output of
an MLP on log(1 + count) (Srivastava and Sutton 2017). The phi of a topic is Dirichlet with parameters of its own, the
family of its posterior given z. One network serves all documents, new ones too. It cannot express dependence of theta
on phi or between topics, and one network is less accurate than parameters for each document (the amortisation gap),
which ``mean_field`` has instead. It does not use ``start``.
"""

WIDTHS = (100, 100)  # of the network's layers
OPTIONS = {"learning_rate": 0.01, "num_steps": 1500, "warm_up": 0.5}  # without a warm-up topics collapse early

"""The encoder of ``prod_lda``: z normal given the bag of words, by a network that reads log(1 + count) of each word.

Mean and log standard deviation are the two halves of an MLP's output (Srivastava and Sutton 2017, without their batch
normalisation: a warm-up of the KL divergence, ``warm_up=0.3``, keeps topics from collapsing). It cannot express
dependence between topics given the words, and has no input for words outside the vocabulary.
"""

OPTIONS = {"learning_rate": 2e-3, "num_steps": 2000, "warm_up": 0.3}

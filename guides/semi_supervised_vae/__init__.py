"""Classifier and encoder of the semi-supervised VAE: q(y_n | x_n), then q(z_n | x_n, y_n) = Normal(m, diag(s^2)).

The y of an image with a label is the label, with certainty. One classifier and one encoder serve all rows; users of the
guide sum over y. Labelled rows do not use the classifier, so the bound alone would not train it on their labels: the
factor "classification", - alpha log q(label_n | x_n) of each labelled row, does. As a part of log q it enters what
``inference.objectives`` maximises with the opposite sign, and it is left out of the bound. The family cannot express
correlation between the dimensions of a code given the class. A missing pixel enters as its mean. It does not use
``start``.

Kingma, D. P. et al. (2014). Semi-supervised learning with deep generative models. NeurIPS 27, equations 6-9.
"""

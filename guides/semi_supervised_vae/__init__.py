"""Classifier and encoder of the semi-supervised VAE: q(y_n | x_n), then q(z_n | x_n, y_n) = Normal(m, diag(s^2)).

Where an image has its label y is at it, for certain. One classifier and one encoder serve all rows; that y is summed
over is for whoever uses the guide. As labelled rows do not ask the classifier, the bound alone would not teach it their
labels: so beside the sites there is a factor "classification", - alpha log q(label_n | x_n) of each labelled row: part
of log q, it counts for the opposite in what ``inference.objectives`` maximises, and is left out of the bound. What the
family cannot express: correlation between the numbers of a code given the class. It sees a missing pixel as 0. Where it
begins is not for ``start`` to say.

Kingma, D. P. et al. (2014). Semi-supervised learning with deep generative models. NeurIPS 27, equations 6-9.
"""

"""The sigmoid belief network of ``discrete.py`` without the zoo, in JAX and in torch.

Each ``in_<backend>.py`` has

    make_trainers(pixels, loc, Z, widths, batch, estimator, learning_rate)

with loops by name: "loop" and, in Pyro, "distributions", the same by Pyro's distributions without their validation.
Each is ``train(epochs, end_epoch, seed)``, which trains a new network with one layer of Z binary units, and calls
``end_epoch(bound)``, in nats per row, after each epoch.

pixels: bytes (N, D). loc: the logits (D,) that the decoder adds its output to. widths: of the layers of units of
encoder and decoder, () for linear ones. estimator: "rloo", with two draws, or "disarm".
"""

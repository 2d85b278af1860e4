"""The VAE of ``vae_speed.py`` without the zoo, in JAX and in torch.

Each ``in_<backend>.py`` has

    make_loop_trainer(pixels, loc, Z, width, batch, kl)      a loop in optax and flax, or in torch
    make_example_trainer(pixels, loc, Z, width, batch)       SVI as in the examples of NumPyro and of Pyro

pixels: bytes (N, D). loc: the logits (D,) that the decoder adds its output to. Both return ``train(epochs, end_epoch,
seed)``, which trains a new VAE and calls ``end_epoch(bound)``, in nats per row, after each epoch.
"""

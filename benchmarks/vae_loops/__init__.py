"""The VAE of ``vae_speed.py`` without the zoo, in JAX and in torch.

Each ``in_<backend>.py`` promises

    by_hand(pixels, loc, Z, width, batch, kl)   as optax and flax, or torch alone, have it
    example(pixels, loc, Z, width, batch)       as the examples of NumPyro and of Pyro have it, by their SVI

which are given bytes (N, D) and the log-odds that the decoder counts from, (D,), and return ``train(epochs,
epoch_is_over, seed)``. It trains a new VAE and calls ``epoch_is_over(bound)``, in nats per row, after each epoch.
"""

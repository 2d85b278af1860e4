"""The very deep VAE of ``hierarchy.py`` without the zoo, in JAX and in torch.

Each ``in_<backend>.py`` has

    make_trainer(pixels, loc, stages, width, bottleneck, channels, depth, batch, learning_rate)

which is ``train(epochs, end_epoch, seed)``: it trains a new network, and calls ``end_epoch(bound)``, in nats per row,
after each epoch. Program and posterior are one pass, with Adam and in 32 bits.

pixels: bytes (N, D) of square images. loc: the logits (D,) that the read-out is added to. stages: side and groups, the
top first. depth: blocks of the encoder at each side. Sizes and operations of the network are those of the zoo's
``very_deep_vae`` with ``residual=True``, written as one would for this network alone.
"""

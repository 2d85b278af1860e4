"""The encoder of the VQ-VAE: z_nm is the codeword nearest to e_nm, where a network makes the e_n [M Z] of image n.

The network mirrors the decoder, and one serves all rows: a new image is encoded by one pass. A point has no entropy, so
the bound is the log likelihood of the image less the rate -log p(z_n), and cannot come closer to log p(x_n) than the
posterior probability of that one code allows. A missing pixel enters as its mean. It does not use ``start``.

Gradients pass the nearest codeword unchanged, from the decoder's input to e_n (straight through). With
``rotation=True`` they are rotated and scaled as the codeword is from e_nm (Fifty et al. 2024). In nats per image,

    commitment  ``commitment`` |e_n - codewords_n|^2 is subtracted in training, without a gradient for the codebook
    codebook    with ``codebook_update="gradient"`` |e_n - codewords_n|^2 is subtracted too, with a gradient for the
                codebook alone. With "moving_average" each codeword is the moving average of the e_nm nearest to it,
                which forgets by the factor ``decay`` in each step (van den Oord et al. 2017, appendix A.1)

With ``quantiser="fsq"`` e_n is tanh of the network's output, and neither term is there: the codebook is fixed.

The codebook starts at k-means of the first batch. With moving averages, a codeword whose moving count falls below
``restart_below`` times the mean count moves to an e_nm of the batch, chosen with probability proportional to its
squared distance from the nearest codeword. Both terms are left out of the bound that is reported.

van den Oord, A., Vinyals, O. and Kavukcuoglu, K. (2017). Neural discrete representation learning. NeurIPS 30.
Mentzer, F. et al. (2024). Finite scalar quantization: VQ-VAE made simple. ICLR.
Fifty, C. et al. (2024). Restructuring vector quantization with the rotation trick. arXiv:2410.06424.
"""

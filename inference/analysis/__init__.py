"""Analysis of one kind of model: factors, topics, latents of networks."""

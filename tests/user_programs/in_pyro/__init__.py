"""User programs in Pyro, as its tutorials write them."""

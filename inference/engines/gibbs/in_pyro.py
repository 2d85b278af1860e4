from inference.engines.gibbs.sampling import run as run

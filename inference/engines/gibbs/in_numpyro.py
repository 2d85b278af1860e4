from inference.engines.gibbs.running import run as run

from inference.gibbs.running import run as run

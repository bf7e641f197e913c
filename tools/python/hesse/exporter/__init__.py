"""Write a PyTorch module as a graph that hesse reads."""

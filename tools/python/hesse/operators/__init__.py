"""The Hessian of a job as an operator for SciPy."""

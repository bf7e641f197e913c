"""Draw figures of training runs and result files."""

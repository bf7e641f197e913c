"""Python tools of hesse: they convert checkpoints, export modules and tokenise text."""

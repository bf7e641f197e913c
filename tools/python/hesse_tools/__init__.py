"""Python tools of hesse: they convert checkpoints and tokenise text."""

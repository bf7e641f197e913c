"""Convert checkpoints of other programs to safetensors."""

"""Pure tensor maths on logits, losses and advantages; no input or output, no settings."""

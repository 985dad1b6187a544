"""What a run gives to take away: weights, settings, figures, and a script that repeats it without the playground."""

"""What runs leave behind: events, their store and their folders. Knows nothing of torch or of how a run is done."""

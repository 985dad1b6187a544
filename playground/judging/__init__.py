"""Another model as judge: it scores answers or picks the better of two, in words that are read and counted."""

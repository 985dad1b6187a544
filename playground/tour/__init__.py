"""The tour: the whole story of post-training as six real jobs, one after the other, for the page and the command line.

It trains nothing itself. `plan` says what the stages are, `journey` keeps where somebody's tour stands, `jobs.chain`
puts the next stage into a queue that others work off, and `outcome` reads from the store what came of it.
"""

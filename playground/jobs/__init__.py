"""Who runs what, when and where: queue, threads, worker processes, cancelling."""

"""What the parts under the ordering core can do at best, on this machine, in this run."""

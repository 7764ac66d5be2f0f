"""The faults, by what they break. ``catalogue`` lists them all."""

"""What `./dev` does, one file a command or two that belong together."""

"""What admins did, when and to what: written with each act, kept for ever."""
